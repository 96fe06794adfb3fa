//! The mesh as a picture for browsers and documents.

mod labels;
mod paint;
mod text;

use super::Marks;
use super::geometry::{Point, Rect, Taken, bounds};
use super::layout::{Layout, Placed, Side, Size, place};
use super::scene::{Scene, Spot};
use crate::topology::Topology;

use text::{cut, width};

/// Draws `topology` as SVG: nodes with their labels, clients and services, links with the costs that are
/// not the default, each link's upper end above where it has one.
///
/// The route is drawn strong, with arrows and numbered steps; what is down is red and dashed. The
/// picture has its own background, for light and dark pages.
///
/// # Examples
/// ```
/// use hopline_topo::drawing::{Layout, Marks, svg};
///
/// let text = "[mesh]\nname = 'm'\n[nodes.top]\n[nodes.east]\nupstream = ['top']";
/// let topology = hopline_topo::parse("m.toml", text)?.topology;
/// let picture = svg(&topology, &Marks::default(), Layout::Auto);
/// assert!(picture.starts_with("<svg "));
/// # Ok::<(), hopline_topo::Problems>(())
/// ```
#[must_use]
pub fn svg(topology: &Topology, marks: &Marks, layout: Layout) -> String {
    let scene = Scene::new(topology, marks);
    let sizes: Vec<Size> = scene.nodes.iter().map(size).collect();
    let placed = place(&scene, layout, &sizes);
    let picture = Picture::new(scene, &sizes, placed);
    paint::paint(&picture)
}

/// The size of letters: of names, of labels and guests.
const NAME: f64 = 13.0;
const SMALL: f64 = 10.5;

/// The most letters of a name.
const LETTERS: usize = 24;

/// The height of a guest's line.
const GUEST: f64 = 16.0;

/// How many guests of a node are shown; the rest are counted.
const GUESTS: usize = 4;

/// A scene with everything in its place.
struct Picture {
    scene: Scene,
    /// Each node's box, or dot.
    nodes: Vec<Rect>,
    /// Each link's points.
    links: Vec<Vec<Point>>,
    is_map: bool,
    /// Where the name of each node stands: the middle of its first line and the anchor.
    names: Vec<labels::Name>,
    /// The guests of each node, with their boxes.
    guests: Vec<Vec<(Label, Rect)>>,
    /// Where the cost of each link stands.
    costs: Vec<Option<Rect>>,
    /// What all of it takes up.
    bounds: (Point, Point),
}

/// A guest as it is shown.
struct Label {
    text: String,
    /// All of it.
    whole: String,
    is_service: bool,
}

fn size(spot: &Spot) -> Size {
    let name = width(&cut(&spot.name, LETTERS), NAME);
    let label = spot.label.as_ref().map_or(0.0, |label| width(&cut(label, LETTERS), SMALL));
    let guests = guests(spot);
    let widest = guests.iter().map(|guest| guest_width(&guest.text)).fold(0.0, f64::max);
    Size {
        width: name.max(label).max(30.0) + 18.0,
        height: if spot.label.is_some() { 40.0 } else { 28.0 },
        guests_width: widest,
        guests_height: guests.len() as f64 * GUEST + if guests.is_empty() { 0.0 } else { 3.0 },
    }
}

fn guest_width(text: &str) -> f64 {
    width(text, SMALL) + 14.0
}

/// The guests that are shown, and how many are not.
fn guests(spot: &Spot) -> Vec<Label> {
    let shown = if spot.guests.len() > GUESTS { GUESTS - 1 } else { GUESTS };
    let label = |guest: &super::scene::Guest| Label {
        text: cut(&guest.name, LETTERS),
        whole: guest.name.clone(),
        is_service: guest.is_service,
    };
    let mut labels: Vec<Label> = spot.guests.iter().take(shown).map(label).collect();
    let rest: Vec<&str> = spot.guests.iter().skip(shown).map(|guest| guest.name.as_str()).collect();
    if !rest.is_empty() {
        let text = format!("+{}", rest.len());
        let more = if rest.len() > 100 { ", ..." } else { "" };
        let whole = rest.iter().take(100).copied().collect::<Vec<_>>().join(", ") + more;
        labels.push(Label { text, whole, is_service: false });
    }
    labels
}

impl Picture {
    fn new(scene: Scene, sizes: &[Size], placed: Placed) -> Self {
        let Placed { nodes, links, is_map, guests: sides } = placed;
        let mut taken = Taken::default();
        for rect in &nodes {
            taken.add(*rect);
        }
        let boxes = |node: usize, labels: Vec<Label>| {
            let side = sides[node];
            let stack = labels.into_iter().enumerate();
            let stack = stack.map(|(line, label)| {
                let rect = guest_box(&nodes[node], &sizes[node], side, line, &label.text);
                (label, rect)
            });
            stack.collect::<Vec<_>>()
        };
        let guests: Vec<_> = scene.nodes.iter().map(guests).enumerate().collect();
        let mut picture = if is_map {
            for points in &links {
                points.windows(2).for_each(|pair| taken.add_line(pair[0], pair[1]));
            }
            let (names, guests) = labels::beside(&scene, &nodes, guests, &mut taken);
            Self { scene, nodes, links, is_map, names, guests, ..Self::empty() }
        } else {
            let guests = guests.into_iter().map(|(node, labels)| boxes(node, labels)).collect();
            let names = nodes.iter().zip(&scene.nodes).map(labels::within).collect();
            Self { scene, nodes, links, is_map, names, guests, ..Self::empty() }
        };
        for (_, rect) in picture.guests.iter().flatten() {
            taken.add(*rect);
        }
        picture.costs = labels::costs(&picture.scene, &picture.links, &mut taken);
        picture.bounds = picture.bounds();
        picture
    }

    fn empty() -> Self {
        Self {
            scene: Scene {
                title: String::new(),
                nodes: Vec::new(),
                links: Vec::new(),
                route: Vec::new(),
            },
            nodes: Vec::new(),
            links: Vec::new(),
            is_map: false,
            names: Vec::new(),
            guests: Vec::new(),
            costs: Vec::new(),
            bounds: Default::default(),
        }
    }

    fn bounds(&self) -> (Point, Point) {
        let rects = self.nodes.iter().chain(self.costs.iter().flatten());
        let rects = rects.chain(self.guests.iter().flatten().map(|(_, rect)| rect));
        let rects = rects.chain(self.names.iter().map(|name| &name.room));
        let corners = rects.flat_map(|rect| {
            [Point::new(rect.left(), rect.top()), Point::new(rect.right(), rect.bottom())]
        });
        bounds(corners.chain(self.links.iter().flatten().copied()))
    }
}

fn guest_box(node: &Rect, size: &Size, side: Side, line: usize, text: &str) -> Rect {
    let (width, height) = (guest_width(text), GUEST - 2.0);
    let down = line as f64 * GUEST;
    let middle = match side {
        Side::Below => Point::new(node.middle.x, node.bottom() + 3.0 + down + height / 2.0),
        Side::Right => {
            let top = node.middle.y - (size.guests_height - 3.0) / 2.0;
            let top = top.max(node.top());
            Point::new(node.right() + 8.0 + width / 2.0, top + down + height / 2.0)
        }
    };
    Rect::new(middle, width, height)
}
