//! Upstreams above those that dial them, in layers.

use super::super::geometry::{Point, Rect};
use super::super::scene::Scene;
use super::columns::{self, Band};
use super::order::{self, Items};
use super::{Placed, Side, Size};

/// The room between two layers.
const GAP: f64 = 78.0;

/// How far a line between two of one layer rises.
const ARC: f64 = 34.0;

/// The least room between two boxes of one layer for a straight line between them.
const BESIDE: f64 = 50.0;

/// Lays `scene` out in layers; layers that are too wide are wrapped into columns, like the charts of
/// large firms.
pub(super) fn place(scene: &Scene, sizes: &[Size]) -> Placed {
    let items = Items::new(scene);
    let layers = order::order(scene, &items);
    let mut guests = vec![Side::Right; sizes.len()];
    for (node, side) in guests.iter_mut().enumerate() {
        if items.lower[node].is_empty() {
            *side = Side::Below;
        }
    }
    let bands = columns::place(scene, &items, &layers, sizes, &guests);
    let mut picture = Picture {
        nodes: vec![Rect::new(Point::default(), 0.0, 0.0); sizes.len()],
        spots: vec![Spot::default(); items.lower.len()],
    };
    let mut top = 0.0;
    for band in &bands {
        picture.set(band, top, sizes);
        top += band.height() + GAP + (band.width() / 16.0).min(110.0);
    }
    let link = |(number, line): (usize, &super::super::scene::Line)| {
        let chain = &items.chains[number];
        match chain.as_slice() {
            [] => picture.beside(line.upper, line.lower, scene),
            chain => {
                let mut points = picture.chain(chain);
                if chain.first() != Some(&line.upper) {
                    points.reverse();
                }
                points
            }
        }
    };
    let links = scene.links.iter().enumerate().map(link).collect();
    Placed { nodes: picture.nodes, links, is_map: false, guests }
}

/// Where one item stands in its band.
#[derive(Debug, Clone, Copy, Default)]
struct Spot {
    x: f64,
    /// The column's left and right gutter.
    gutters: (f64, f64),
    /// The band's edges.
    top: f64,
    bottom: f64,
    /// Its place in its column, from the top; and how many the column has.
    row: usize,
    rows: usize,
    /// The band and the column.
    column: usize,
}

struct Picture {
    nodes: Vec<Rect>,
    spots: Vec<Spot>,
}

impl Picture {
    fn set(&mut self, band: &Band, top: f64, sizes: &[Size]) {
        for (column, slot) in band.slots.iter().enumerate() {
            for (row, &item) in slot.members.iter().enumerate() {
                self.spots[item] = Spot {
                    x: slot.x,
                    gutters: (slot.x - slot.left, slot.x + slot.right),
                    top,
                    bottom: top + band.height(),
                    row,
                    rows: slot.members.len(),
                    column,
                };
                if let Some(size) = sizes.get(item) {
                    let y = top + row as f64 * band.pitch + size.height / 2.0;
                    let middle = Point::new(slot.x, y);
                    self.nodes[item] = Rect::new(middle, size.width, size.height);
                }
            }
        }
    }

    /// The points of a link from its upper layer to its lower one.
    fn chain(&self, chain: &[usize]) -> Vec<Point> {
        let mut points = Vec::new();
        let last = chain.len() - 1;
        let port = |rect: &Rect, place: usize| {
            // Lines leave a box a little toward where they go.
            let most = rect.width / 2.0 - 10.0;
            let lean = (self.spots[chain[place]].x - rect.middle.x) * 0.12;
            rect.middle.x + lean.clamp(-most, most)
        };
        for (place, &item) in chain.iter().enumerate() {
            let spot = self.spots[item];
            let Some(rect) = self.nodes.get(item).copied() else {
                points.push(Point::new(spot.x, spot.top));
                points.push(Point::new(spot.x, spot.bottom));
                continue;
            };
            if place < last {
                points.push(Point::new(port(&rect, place + 1), rect.bottom()));
                if spot.row + 1 < spot.rows {
                    points[0] = Point::new(rect.right(), rect.middle.y);
                    points.push(Point::new(spot.gutters.1, rect.middle.y));
                    points.push(Point::new(spot.gutters.1, spot.bottom));
                }
            } else if spot.rows > 1 {
                points.push(Point::new(spot.gutters.0, spot.top - 12.0));
                points.push(Point::new(spot.gutters.0, rect.middle.y));
                points.push(Point::new(rect.left(), rect.middle.y));
            } else {
                points.push(Point::new(port(&rect, place - 1), rect.top()));
            }
        }
        points
    }

    /// The points of a link between two of one layer.
    fn beside(&self, from: usize, to: usize, scene: &Scene) -> Vec<Point> {
        let (a, b) = (self.nodes[from], self.nodes[to]);
        let (one, other) = (self.spots[from], self.spots[to]);
        let left = if a.middle.x < b.middle.x { from } else { to };
        let is_next = one.column.abs_diff(other.column) == 1
            && (one.rows, other.rows) == (1, 1)
            && scene.nodes[left].guests.is_empty()
            && a.middle.x.max(b.middle.x) - a.middle.x.min(b.middle.x)
                > f64::midpoint(a.width, b.width) + BESIDE;
        if is_next || one.rows > 1 || other.rows > 1 {
            return vec![a.edge_toward(b.middle), b.edge_toward(a.middle)];
        }
        let (start, end) = (Point::new(a.middle.x, a.top()), Point::new(b.middle.x, b.top()));
        let rise = ARC + start.distance(end) / 12.0;
        let bend = Point::new(f64::midpoint(start.x, end.x), start.y.min(end.y) - rise);
        let at = |step: u32| {
            let part = f64::from(step) / 10.0;
            start.toward(bend, part).toward(bend.toward(end, part), part)
        };
        (0..=10).map(at).collect()
    }
}
