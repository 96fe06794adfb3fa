//! The picture as text.

use std::fmt::Write as _;

use super::super::geometry::{Point, Rect};
use super::super::scene::{Line, Spot};
use super::text::{cut, escape, number as n};
use super::{LETTERS, Picture, labels};

/// The room around the picture, and above it for the title.
const MARGIN: f64 = 28.0;
const TITLE: f64 = 52.0;
const LEGEND: f64 = 30.0;

/// The colours, for light and for dark pages.
const STYLE: &str = "\
svg{font-family:system-ui,-apple-system,'Segoe UI','Helvetica Neue',Arial,sans-serif}
.page{fill:#fff}.head{font-size:17px;font-weight:600;fill:#1c2733}.note{font-size:11px;fill:#5b6876}
.link{fill:none;stroke:#8b98a6;stroke-width:1.4;stroke-linejoin:round}
.node{fill:#f2f6fa;stroke:#50677f;stroke-width:1.3}.dot{fill:#50677f;stroke:#fff;stroke-width:1.5}
.name{font-size:13px;font-weight:500;fill:#1c2733}.label{font-size:10.5px;fill:#5b6876}
.client{fill:#e6f3ea;stroke:#5d9b72;stroke-width:1}.service{fill:#f4ecd8;stroke:#a98832;stroke-width:1}
.guest{font-size:10.5px;fill:#24352a}
.cost{font-size:10.5px;fill:#3c4956}.paper{fill:#fff;fill-opacity:.85}
.halo{paint-order:stroke;stroke:#fff;stroke-width:3px;stroke-linejoin:round}
.route{stroke:#0b62d6;stroke-width:3}.arrow,.badge{fill:#0b62d6}.step{font-size:10px;font-weight:700;fill:#fff}
.node.on{stroke:#0b62d6;stroke-width:2.4;fill:#e3effd}.dot.on{fill:#0b62d6}
.link.down{stroke:#c62828;stroke-dasharray:6 4}.node.down{stroke:#c62828;stroke-dasharray:5 3;fill:#fdeeee}
.dot.down{fill:#fdeeee;stroke:#c62828;stroke-dasharray:3 2}.name.down{fill:#b02020}.cross{stroke:#c62828;stroke-width:2.2}
@media(prefers-color-scheme:dark){
.page{fill:#12181f}.head{fill:#e8eef4}.note,.label{fill:#9fadbb}.link{stroke:#66778a}
.node{fill:#1d2833;stroke:#7f97ae}.dot{fill:#9db3c8;stroke:#12181f}.name{fill:#e8eef4}
.client{fill:#1b3123;stroke:#5d9b72}.service{fill:#352c14;stroke:#a98832}.guest{fill:#dbe8df}
.cost{fill:#c4d0dc}.paper{fill:#12181f}.halo{stroke:#12181f}
.route{stroke:#5aa2ff}.arrow,.badge{fill:#5aa2ff}.step{fill:#0b1520}
.node.on{stroke:#5aa2ff;fill:#17304d}.dot.on{fill:#5aa2ff}
.link.down{stroke:#ff7070}.node.down{stroke:#ff7070;fill:#3a1a1c}.dot.down{fill:#3a1a1c;stroke:#ff7070}
.name.down{fill:#ff9090}.cross{stroke:#ff7070}}
";

pub(super) fn paint(picture: &Picture) -> String {
    let scene = &picture.scene;
    let (low, high) = picture.bounds;
    let legend = legend(picture);
    let foot = if legend.is_empty() { 0.0 } else { LEGEND };
    let summary = summary(picture);
    let title = cut(&scene.title, 64);
    let least = super::width(&title, 17.0).max(super::width(&summary, 11.0)).max(160.0);
    let least =
        legend.iter().map(|(_, text)| super::width(text, 11.0) + 46.0).sum::<f64>().max(least);
    let width = (high.x - low.x).max(least) + 2.0 * MARGIN;
    let height = high.y - low.y + TITLE + foot + 2.0 * MARGIN;
    let (x, y) = ((width - (high.x - low.x)) / 2.0 - low.x, MARGIN + TITLE - low.y);
    let mut text = String::new();
    let (w, h) = (n(width), n(height));
    let _ = write!(
        text,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" \
         viewBox=\"0 0 {w} {h}\" role=\"img\" aria-labelledby=\"title desc\">\n\
         <title id=\"title\">{}</title>\n<desc id=\"desc\">{}</desc>\n<style>\n{STYLE}</style>\n\
         <rect class=\"page\" width=\"{w}\" height=\"{h}\"/>\n\
         <text class=\"head\" x=\"{m}\" y=\"38\">{}</text>\n\
         <text class=\"note\" x=\"{m}\" y=\"57\">{}</text>\n\
         <g transform=\"translate({} {})\">\n",
        escape(&scene.title),
        escape(&description(picture, &summary)),
        escape(&title),
        escape(&summary),
        n(x),
        n(y),
        m = n(MARGIN),
    );
    let rank = |line: &Line| (line.route_from.is_some(), line.is_down);
    for pass in [(false, false), (false, true), (true, false), (true, true)] {
        let lines = scene.links.iter().zip(&picture.links);
        for (line, points) in lines.filter(|(line, _)| rank(line) == pass) {
            link(&mut text, picture, line, points);
        }
    }
    for (line, rect) in scene.links.iter().zip(&picture.costs) {
        if let (Some(cost), Some(rect)) = (line.cost, rect) {
            plate(&mut text, "paper", rect, 3.0);
            words(
                &mut text,
                "cost",
                rect.middle.x,
                rect.middle.y + 3.8,
                "middle",
                &cost.to_string(),
            );
        }
    }
    for node in 0..scene.nodes.len() {
        spot(&mut text, picture, node);
    }
    text.push_str("</g>\n");
    draw_legend(&mut text, &legend, height - MARGIN);
    text.push_str("</svg>\n");
    text
}

fn summary(picture: &Picture) -> String {
    let scene = &picture.scene;
    let count = |number: usize, one: &str| match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {one}s"),
    };
    let mut parts = vec![count(scene.nodes.len(), "node"), count(scene.links.len(), "link")];
    if scene.clients() > 0 {
        parts.push(count(scene.clients(), "client"));
    }
    let down = scene.nodes.iter().filter(|node| node.is_down).count();
    if down > 0 {
        parts.push(format!("{} down", count(down, "node")));
    }
    parts.join(", ")
}

/// What the picture shows, for those who cannot see it.
fn description(picture: &Picture, summary: &str) -> String {
    let scene = &picture.scene;
    let mut text = format!("The mesh {}: {summary}.", scene.title);
    if !scene.route.is_empty() {
        let names: Vec<&str> =
            scene.route.iter().map(|&node| scene.nodes[node].name.as_str()).collect();
        let _ = write!(text, " The way shown: {}.", names.join(", "));
    }
    let down: Vec<&str> =
        scene.nodes.iter().filter(|node| node.is_down).map(|node| node.name.as_str()).collect();
    if !down.is_empty() {
        let _ = write!(text, " Down: {}.", down.join(", "));
    }
    text
}

fn link(text: &mut String, picture: &Picture, line: &Line, course: &[Point]) {
    let mut points = course.to_vec();
    let is_route = line.route_from.is_some();
    if line.route_from == Some(line.lower) {
        points.reverse();
    }
    let mut class = "link".to_owned();
    if line.is_down {
        class.push_str(" down");
    }
    if is_route {
        class.push_str(" route");
    }
    let tip = is_route.then(|| arrow(&mut points)).flatten();
    let path: Vec<String> =
        points.iter().map(|point| format!("{} {}", n(point.x), n(point.y))).collect();
    let nodes = &picture.scene.nodes;
    let (upper, lower) = (&nodes[line.upper].name, &nodes[line.lower].name);
    let cost = line.cost.map_or(String::new(), |cost| format!(", cost {cost}"));
    let down = if line.is_down { ", down" } else { "" };
    let _ = writeln!(
        text,
        "<path class=\"{class}\" d=\"M{}\"><title>{}</title></path>",
        path.join("L"),
        escape(&format!("{upper}--{lower}{cost}{down}")),
    );
    if let Some(tip) = tip {
        let _ = writeln!(text, "<path class=\"arrow\" d=\"{tip}\"/>");
    }
    if line.is_down {
        let at = labels::cross(line, course);
        let _ = writeln!(
            text,
            "<path class=\"cross\" d=\"M{} {}l10 10m0 -10l-10 10\"/>",
            n(at.x - 5.0),
            n(at.y - 5.0),
        );
    }
}

/// An arrow's tip at the end of a line, which then ends where the tip begins.
fn arrow(points: &mut [Point]) -> Option<String> {
    let [.., from, to] = points else {
        return None;
    };
    let length = from.distance(*to);
    if length < 1.0 {
        return None;
    }
    let (dx, dy) = ((to.x - from.x) / length, (to.y - from.y) / length);
    let (tip, back) = (*to, Point::new(to.x - dx * 11.0, to.y - dy * 11.0));
    if length > 11.0 {
        *to = back;
    }
    let (left, right) = (
        Point::new(back.x - dy * 5.5, back.y + dx * 5.5),
        Point::new(back.x + dy * 5.5, back.y - dx * 5.5),
    );
    let corner = |point: Point| format!("{} {}", n(point.x), n(point.y));
    Some(format!("M{}L{}L{}Z", corner(tip), corner(left), corner(right)))
}

fn spot(text: &mut String, picture: &Picture, node: usize) {
    let (spot, rect) = (&picture.scene.nodes[node], &picture.nodes[node]);
    let step = picture.scene.route.iter().position(|&at| at == node);
    let mut state = String::new();
    if step.is_some() {
        state.push_str(" on");
    }
    if spot.is_down {
        state.push_str(" down");
    }
    let _ = writeln!(text, "<g><title>{}</title>", escape(&whole(spot)));
    for (label, rect) in &picture.guests[node] {
        let class = if label.is_service { "service" } else { "client" };
        let round = if label.is_service { 2.0 } else { rect.height / 2.0 };
        let _ = writeln!(text, "<g><title>{} {}</title>", class, escape(&label.whole));
        plate(text, class, rect, round);
        words(text, "guest", rect.middle.x, rect.middle.y + 3.8, "middle", &label.text);
        text.push_str("</g>\n");
    }
    if picture.is_map {
        let at = (n(rect.middle.x), n(rect.middle.y), n(rect.width / 2.0));
        let _ = writeln!(
            text,
            "<circle class=\"dot{state}\" cx=\"{}\" cy=\"{}\" r=\"{}\"/>",
            at.0, at.1, at.2
        );
    } else {
        plate(text, &format!("node{state}"), rect, 6.0);
    }
    let name = &picture.names[node];
    let halo = if picture.is_map { " halo" } else { "" };
    let down = if spot.is_down { " down" } else { "" };
    let at = name.at;
    let class = format!("name{halo}{down}");
    words(text, &class, at.x, at.y, name.anchor, &cut(&spot.name, LETTERS));
    if let Some(label) = &spot.label {
        let class = format!("label{halo}");
        words(text, &class, at.x, at.y + 13.5, name.anchor, &cut(label, LETTERS));
    }
    if let Some(step) = step {
        let at = match picture.is_map {
            true => rect.middle,
            false => Point::new(rect.left(), rect.top()),
        };
        let (x, y) = (n(at.x), n(at.y));
        let _ = writeln!(text, "<circle class=\"badge\" cx=\"{x}\" cy=\"{y}\" r=\"8.5\"/>");
        words(text, "step", at.x, at.y + 3.5, "middle", &(step + 1).to_string());
    }
    text.push_str("</g>\n");
}

/// All that is to be said of a node.
fn whole(spot: &Spot) -> String {
    let mut text = spot.name.clone();
    if let Some(label) = &spot.label {
        let _ = write!(text, " ({label})");
    }
    if spot.is_down {
        text.push_str(", down");
    }
    text
}

fn plate(text: &mut String, class: &str, rect: &Rect, round: f64) {
    let _ = writeln!(
        text,
        "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{}\"/>",
        n(rect.left()),
        n(rect.top()),
        n(rect.width),
        n(rect.height),
        n(round),
    );
}

fn words(text: &mut String, class: &str, x: f64, y: f64, anchor: &str, words: &str) {
    let anchor = match anchor {
        "start" => String::new(),
        other => format!(" text-anchor=\"{other}\""),
    };
    let _ = writeln!(
        text,
        "<text class=\"{class}\" x=\"{}\" y=\"{}\"{anchor}>{}</text>",
        n(x),
        n(y),
        escape(words),
    );
}

/// What needs to be told: a sign and what it means.
fn legend(picture: &Picture) -> Vec<(&'static str, &'static str)> {
    let scene = &picture.scene;
    let guests = || scene.nodes.iter().flat_map(|node| &node.guests);
    let is_down =
        scene.nodes.iter().any(|node| node.is_down) || scene.links.iter().any(|line| line.is_down);
    let entries = [
        (guests().any(|guest| !guest.is_service), "client", "client"),
        (guests().any(|guest| guest.is_service), "service", "service"),
        (scene.links.iter().any(|line| line.cost.is_some()), "cost", "cost, where it is not 10"),
        (!scene.route.is_empty(), "link route", "way of a message"),
        (is_down, "link down", "down"),
    ];
    entries.into_iter().filter(|entry| entry.0).map(|(_, class, text)| (class, text)).collect()
}

fn draw_legend(text: &mut String, entries: &[(&'static str, &'static str)], y: f64) {
    let mut x = MARGIN;
    for (class, meaning) in entries {
        match *class {
            "client" => {
                plate(text, class, &Rect::new(Point::new(x + 11.0, y - 4.0), 22.0, 12.0), 6.0)
            }
            "service" => {
                plate(text, class, &Rect::new(Point::new(x + 11.0, y - 4.0), 22.0, 12.0), 2.0)
            }
            "cost" => words(text, class, x + 11.0, y, "middle", "25"),
            _ => {
                let _ =
                    writeln!(text, "<path class=\"{class}\" d=\"M{} {}h22\"/>", n(x), n(y - 4.0),);
            }
        }
        words(text, "note", x + 28.0, y, "start", meaning);
        x += 46.0 + super::width(meaning, 11.0);
    }
}
