//! Points, boxes, and what of the picture is taken already.

use std::collections::BTreeMap;

/// A place in the picture: `x` to the right, `y` downward.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// A box by its middle and its size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rect {
    pub(super) middle: Point,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Point {
    pub(super) const fn new(x: f64, y: f64) -> Self {
        Self { x, y }
    }

    /// The point that lies at `part` of the way to `other`.
    pub(super) fn toward(self, other: Self, part: f64) -> Self {
        Self::new(self.x + (other.x - self.x) * part, self.y + (other.y - self.y) * part)
    }

    pub(super) fn distance(self, other: Self) -> f64 {
        (self.x - other.x).hypot(self.y - other.y)
    }
}

impl Rect {
    pub(super) const fn new(middle: Point, width: f64, height: f64) -> Self {
        Self { middle, width, height }
    }

    pub(super) fn left(&self) -> f64 {
        self.middle.x - self.width / 2.0
    }

    pub(super) fn right(&self) -> f64 {
        self.middle.x + self.width / 2.0
    }

    pub(super) fn top(&self) -> f64 {
        self.middle.y - self.height / 2.0
    }

    pub(super) fn bottom(&self) -> f64 {
        self.middle.y + self.height / 2.0
    }

    /// How much of the two is common.
    pub(super) fn overlap(&self, other: &Self) -> f64 {
        let width = self.right().min(other.right()) - self.left().max(other.left());
        let height = self.bottom().min(other.bottom()) - self.top().max(other.top());
        width.max(0.0) * height.max(0.0)
    }

    /// Where a line from the middle to `to` leaves the box; the middle where `to` is within.
    pub(super) fn edge_toward(&self, to: Point) -> Point {
        let (dx, dy) = (to.x - self.middle.x, to.y - self.middle.y);
        let part = (self.width / 2.0 / dx.abs()).min(self.height / 2.0 / dy.abs());
        if part.is_finite() && part < 1.0 { self.middle.toward(to, part) } else { self.middle }
    }
}

/// The least and the greatest of points.
pub(super) fn bounds(mut points: impl Iterator<Item = Point>) -> (Point, Point) {
    let first = points.next().unwrap_or_default();
    points.fold((first, first), |(low, high), at| {
        (
            Point::new(low.x.min(at.x), low.y.min(at.y)),
            Point::new(high.x.max(at.x), high.y.max(at.y)),
        )
    })
}

/// What is taken, in cells, so that asking is cheap in large pictures.
#[derive(Default)]
pub(super) struct Taken {
    cells: BTreeMap<(i64, i64), Vec<Rect>>,
}

/// The side of a cell.
const CELL: f64 = 80.0;

impl Taken {
    pub(super) fn add(&mut self, rect: Rect) {
        for cell in cells(&rect) {
            self.cells.entry(cell).or_default().push(rect);
        }
    }

    /// Takes the places along a line.
    pub(super) fn add_line(&mut self, from: Point, to: Point) {
        let steps = (from.distance(to) / 8.0).ceil().clamp(1.0, 1000.0);
        let mut at = 0.0;
        while at <= steps {
            self.add(Rect::new(from.toward(to, at / steps), 3.0, 3.0));
            at += 1.0;
        }
    }

    /// How much of `rect` is taken.
    pub(super) fn overlap(&self, rect: &Rect) -> f64 {
        let taken = cells(rect).filter_map(|cell| self.cells.get(&cell)).flatten();
        taken.map(|other| other.overlap(rect)).sum()
    }
}

fn cells(rect: &Rect) -> impl Iterator<Item = (i64, i64)> + use<> {
    let cell = |at: f64| (at / CELL).floor() as i64;
    let (left, right) = (cell(rect.left()), cell(rect.right()));
    let (top, bottom) = (cell(rect.top()), cell(rect.bottom()));
    (left..=right).flat_map(move |x| (top..=bottom).map(move |y| (x, y)))
}
