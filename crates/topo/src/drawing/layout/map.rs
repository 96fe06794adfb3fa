//! Nodes at their positions.

use super::super::geometry::{Point, Rect, bounds};
use super::super::scene::Scene;
use super::Placed;

/// The width of a dot.
const DOT: f64 = 14.0;

/// Draws positions as they are. What looks like longitudes and latitudes is narrowed as the globe is at
/// the middle of the map.
pub(super) fn place(scene: &Scene) -> Placed {
    let positions: Vec<Point> = scene
        .nodes
        .iter()
        .filter_map(|node| node.position)
        .map(|position| Point::new(position.x(), position.y()))
        .collect();
    let (low, high) = bounds(positions.iter().copied());
    let is_globe =
        low.x >= -180.0 && high.x <= 180.0 && low.y >= -90.0 && high.y <= 90.0 && high.y > low.y;
    let latitude = f64::midpoint(low.y, high.y).to_radians();
    let narrow = if is_globe { latitude.cos().max(0.1) } else { 1.0 };
    let (width, height) = ((high.x - low.x) * narrow, high.y - low.y);
    let most = width_of(positions.len());
    let scale = (most / width).min(most * 0.8 / height);
    let scale = if scale.is_finite() { scale } else { 1.0 };
    let dot = |at: &Point| {
        let middle = Point::new((at.x - low.x) * narrow * scale, (high.y - at.y) * scale);
        Rect::new(middle, DOT, DOT)
    };
    Placed::straight(scene, positions.iter().map(dot).collect(), true)
}

/// How wide a map is at most: as wide as so many nodes need, within what can be looked at.
fn width_of(nodes: usize) -> f64 {
    let nodes = nodes as f64;
    (420.0 + 55.0 * nodes).min(1000.0 + 3.0 * nodes).min(3000.0)
}
