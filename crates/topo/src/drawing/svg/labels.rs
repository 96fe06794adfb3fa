//! Where names and costs stand.

use super::super::geometry::{Point, Rect, Taken};
use super::super::scene::{Line, Scene, Spot};
use super::text::{cut, width};
use super::{GUEST, LETTERS, Label, NAME, SMALL, guest_width};

/// Where a node's name stands, and its label below.
pub(super) struct Name {
    /// Where the first line is anchored, at its base.
    pub(super) at: Point,
    pub(super) anchor: &'static str,
    /// What the lines take up.
    pub(super) room: Rect,
}

/// A name in the middle of its box.
pub(super) fn within((rect, spot): (&Rect, &Spot)) -> Name {
    let rise = if spot.label.is_some() { -2.0 } else { 4.5 };
    let at = Point::new(rect.middle.x, rect.middle.y + rise);
    Name { at, anchor: "middle", room: *rect }
}

/// Names beside their dots, and guests below the names, where the least is taken.
pub(super) fn beside(
    scene: &Scene,
    nodes: &[Rect],
    guests: Vec<(usize, Vec<Label>)>,
    taken: &mut Taken,
) -> (Vec<Name>, Vec<Vec<(Label, Rect)>>) {
    let (mut names, mut all) = (Vec::new(), Vec::new());
    for (node, labels) in guests {
        let (dot, spot) = (&nodes[node], &scene.nodes[node]);
        let lines = if spot.label.is_some() { 29.0 } else { 16.0 };
        let mut wide = width(&cut(&spot.name, LETTERS), NAME);
        if let Some(label) = &spot.label {
            wide = wide.max(width(&cut(label, LETTERS), SMALL));
        }
        let widest = labels.iter().map(|label| guest_width(&label.text)).fold(wide, f64::max);
        let high = lines + labels.len() as f64 * GUEST;
        let (room, anchor) = best_side(dot, widest, high, taken);
        let (x, line) = match anchor {
            "start" => (room.left(), 0.0),
            "end" => (room.right(), -1.0),
            _ => (room.middle.x, -0.5),
        };
        taken.add(room);
        names.push(Name { at: Point::new(x, room.top() + 12.0), anchor, room });
        let boxes = labels.into_iter().enumerate().map(|(number, label)| {
            let wide = guest_width(&label.text);
            let y = room.top() + lines + number as f64 * GUEST + GUEST / 2.0;
            let middle = Point::new(x + line * wide + wide / 2.0, y);
            (label, Rect::new(middle, wide, GUEST - 2.0))
        });
        all.push(boxes.collect());
    }
    (names, all)
}

/// Of the eight sides of a dot the one where the least is taken; of equals the first.
fn best_side(dot: &Rect, wide: f64, high: f64, taken: &Taken) -> (Rect, &'static str) {
    let (at, gap) = (dot.middle, dot.width / 2.0 + 4.0);
    let side = |x: f64, y: f64, anchor: &'static str| {
        (Rect::new(Point::new(at.x + x, at.y + y), wide, high), anchor)
    };
    let (across, down) = (gap + wide / 2.0, gap + high / 2.0);
    let near = high / 2.0;
    let sides = [
        side(0.0, down, "middle"),
        side(0.0, -down, "middle"),
        side(across, 0.0, "start"),
        side(-across, 0.0, "end"),
        side(across, near, "start"),
        side(-across, near, "end"),
        side(across, -near, "start"),
        side(-across, -near, "end"),
    ];
    let score = |(rect, _): &(Rect, &'static str)| (taken.overlap(rect) * 10.0) as u64;
    let best = sides.iter().min_by_key(|side| score(side)).copied();
    best.unwrap_or(sides[0])
}

/// Where the costs of links stand: on the line, where the least is taken.
pub(super) fn costs(scene: &Scene, links: &[Vec<Point>], taken: &mut Taken) -> Vec<Option<Rect>> {
    for (line, points) in scene.links.iter().zip(links).filter(|(line, _)| line.is_down) {
        let at = cross(line, points);
        taken.add(Rect::new(at, 14.0, 14.0));
    }
    let cost = |(line, points): (&Line, &Vec<Point>)| {
        let wide = width(&line.cost?.to_string(), SMALL) + 6.0;
        let (from, to) = longest(points)?;
        let tries = [0.5, 0.6, 0.4, 0.7, 0.3, 0.8, 0.2];
        let rects = tries.map(|part| Rect::new(from.toward(to, part), wide, 14.0));
        let free = rects.iter().min_by_key(|rect| (taken.overlap(rect) * 10.0) as u64)?;
        taken.add(*free);
        Some(*free)
    };
    scene.links.iter().zip(links).map(cost).collect()
}

/// Where the cross of a link that is down stands.
pub(super) fn cross(line: &Line, points: &[Point]) -> Point {
    let at = if line.cost.is_some() { 0.35 } else { 0.5 };
    longest(points).map_or_else(Point::default, |(from, to)| from.toward(to, at))
}

/// The stretch of a line that is its own: the tick at the end of one that comes down beside a column,
/// else the longest.
fn longest(points: &[Point]) -> Option<(Point, Point)> {
    let pairs = points.windows(2).map(|pair| (pair[0], pair[1]));
    let is_level = |(from, to): &(Point, Point)| from.y == to.y;
    if points.len() > 2
        && let Some(tick) = pairs.clone().find(is_level)
    {
        return Some(tick);
    }
    pairs.max_by(|a, b| a.0.distance(a.1).total_cmp(&b.0.distance(b.1)))
}
