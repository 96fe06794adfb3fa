//! Nodes at their positions.

use super::super::geometry::{Point, Rect};
use super::super::scene::Scene;
use super::Placed;

/// How wide and how high a map is at most.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 800.0;

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
    let (low, high) = bounds(&positions);
    let is_globe =
        low.x >= -180.0 && high.x <= 180.0 && low.y >= -90.0 && high.y <= 90.0 && high.y > low.y;
    let latitude = f64::midpoint(low.y, high.y).to_radians();
    let narrow = if is_globe { latitude.cos().max(0.1) } else { 1.0 };
    let (width, height) = ((high.x - low.x) * narrow, high.y - low.y);
    let scale = (WIDTH / width).min(HEIGHT / height);
    let scale = if scale.is_finite() { scale } else { 1.0 };
    let dot = |at: &Point| {
        let middle = Point::new((at.x - low.x) * narrow * scale, (high.y - at.y) * scale);
        Rect::new(middle, DOT, DOT)
    };
    Placed::straight(scene, positions.iter().map(dot).collect(), true)
}

fn bounds(points: &[Point]) -> (Point, Point) {
    let first = points.first().copied().unwrap_or_default();
    points.iter().fold((first, first), |(low, high), at| {
        (
            Point::new(low.x.min(at.x), low.y.min(at.y)),
            Point::new(high.x.max(at.x), high.y.max(at.y)),
        )
    })
}
