//! Neighbours near each other: distances in the picture are made like distances in the mesh.

use std::collections::VecDeque;
use std::f64::consts::TAU;

use super::super::geometry::{Point, Rect};
use super::super::scene::Scene;
use super::{Placed, Size};

/// Above this many nodes each is held against some of the others only.
const ALL_PAIRS: usize = 700;

/// How many others that is.
const PIVOTS: usize = 60;

/// How often all nodes are moved.
const ROUNDS: usize = 120;

/// Lays nodes out by stress: each pulls each to the distance of the shortest way between them.
///
/// It begins with a circle in the order of a search through the mesh, and takes a fixed number of
/// rounds, so the picture is the same on every run.
pub(super) fn place(scene: &Scene, sizes: &[Size]) -> Placed {
    let neighbours = scene.neighbours();
    let count = scene.nodes.len();
    let order = search_order(&neighbours);
    let mut points = vec![Point::default(); count];
    for (turn, &node) in order.iter().enumerate() {
        let angle = TAU * turn as f64 / count as f64 - TAU / 4.0;
        let radius = (count as f64).sqrt() / 2.0 + 1.0;
        points[node] = Point::new(radius * angle.cos(), radius * angle.sin());
    }
    let terms = terms(&neighbours, &order);
    for _ in 0..ROUNDS {
        for node in 0..count {
            points[node] = moved(&points, node, &terms[node]);
        }
    }
    let widest = sizes.iter().map(|size| size.width.max(size.guests_width)).fold(40.0, f64::max);
    let length = widest + 50.0;
    let mut boxes: Vec<Rect> = points
        .iter()
        .zip(sizes)
        .map(|(at, size)| {
            let height = size.height + size.guests_height;
            let width = size.width.max(size.guests_width);
            let middle = Point::new(at.x * length, at.y * length * 0.75);
            Rect::new(middle, width + 16.0, height + 18.0)
        })
        .collect();
    part(&mut boxes);
    // Links end at the guests of a node too, which stand below it.
    let ends: Vec<Rect> = boxes
        .iter()
        .zip(sizes)
        .map(|(rect, size)| Rect::new(rect.middle, size.width, rect.height - 18.0))
        .collect();
    let mut placed = Placed::straight(scene, ends, false);
    for (rect, size) in placed.nodes.iter_mut().zip(sizes) {
        let middle = Point::new(rect.middle.x, rect.top() + size.height / 2.0);
        *rect = Rect::new(middle, size.width, size.height);
    }
    placed
}

/// One node and how far it ought to be.
struct Term {
    other: usize,
    distance: f64,
    weight: f64,
}

/// Where `node` would be of its own will.
fn moved(points: &[Point], node: usize, terms: &[Term]) -> Point {
    let at = points[node];
    let (mut x, mut y, mut weights) = (0.0, 0.0, 0.0);
    for term in terms {
        let other = points[term.other];
        let far = at.distance(other).max(1e-6);
        let pull = term.distance / far;
        x += term.weight * (other.x + (at.x - other.x) * pull);
        y += term.weight * (other.y + (at.y - other.y) * pull);
        weights += term.weight;
    }
    if weights > 0.0 { Point::new(x / weights, y / weights) } else { at }
}

/// For each node the others that it is held against.
fn terms(neighbours: &[Vec<usize>], order: &[usize]) -> Vec<Vec<Term>> {
    let count = neighbours.len();
    let step = if count <= ALL_PAIRS { 1 } else { count.div_ceil(PIVOTS) };
    let mut terms: Vec<Vec<Term>> = (0..count).map(|_| Vec::new()).collect();
    let apart = (count as f64).sqrt() + 2.0;
    for &pivot in order.iter().step_by(step) {
        let far = distances(neighbours, pivot);
        for (node, terms) in terms.iter_mut().enumerate().filter(|(node, _)| *node != pivot) {
            let distance = far[node].map_or(apart, f64::from);
            let weight = distance.powi(-2);
            terms.push(Term { other: pivot, distance, weight });
        }
    }
    if step > 1 {
        for (node, near) in neighbours.iter().enumerate() {
            let near = near.iter().map(|&other| Term { other, distance: 1.0, weight: 1.0 });
            terms[node].extend(near);
        }
    }
    terms
}

/// The links between `from` and each node that it reaches.
fn distances(neighbours: &[Vec<usize>], from: usize) -> Vec<Option<u32>> {
    let mut far = vec![None; neighbours.len()];
    far[from] = Some(0);
    let mut queue = VecDeque::from([(from, 0)]);
    while let Some((node, distance)) = queue.pop_front() {
        for &next in &neighbours[node] {
            if far[next].is_none() {
                far[next] = Some(distance + 1);
                queue.push_back((next, distance + 1));
            }
        }
    }
    far
}

/// All nodes, depth first, from the one with the most neighbours on: a ring becomes a circle at once.
fn search_order(neighbours: &[Vec<usize>]) -> Vec<usize> {
    let mut starts: Vec<usize> = (0..neighbours.len()).collect();
    starts.sort_by_key(|&node| (std::cmp::Reverse(neighbours[node].len()), node));
    let mut is_seen = vec![false; neighbours.len()];
    let mut order = Vec::new();
    let mut stack = starts;
    stack.reverse();
    while let Some(node) = stack.pop() {
        if std::mem::replace(&mut is_seen[node], true) {
            continue;
        }
        order.push(node);
        stack.extend(neighbours[node].iter().rev().filter(|&&next| !is_seen[next]));
    }
    order
}

/// Pushes boxes apart that lie over each other.
fn part(boxes: &mut [Rect]) {
    for _ in 0..60 {
        let mut order: Vec<usize> = (0..boxes.len()).collect();
        order.sort_by(|&a, &b| boxes[a].left().total_cmp(&boxes[b].left()).then(a.cmp(&b)));
        let mut is_moved = false;
        for at in 0..order.len() {
            for next in at + 1..order.len() {
                let (a, b) = (order[at], order[next]);
                if boxes[b].left() > boxes[a].right() + 1.0 {
                    break;
                }
                is_moved |= push(boxes, a, b);
            }
        }
        if !is_moved {
            break;
        }
    }
}

/// Moves two boxes apart by the shorter way, each by half of it.
fn push(boxes: &mut [Rect], a: usize, b: usize) -> bool {
    let (one, other) = (boxes[a], boxes[b]);
    let (dx, dy) = (other.middle.x - one.middle.x, other.middle.y - one.middle.y);
    let x = f64::midpoint(one.width, other.width) - dx.abs();
    let y = f64::midpoint(one.height, other.height) - dy.abs();
    if x <= 0.1 || y <= 0.1 {
        return false;
    }
    let (x, y) = if x < y { ((x / 2.0).copysign(dx), 0.0) } else { (0.0, (y / 2.0).copysign(dy)) };
    boxes[a].middle = Point::new(one.middle.x - x, one.middle.y - y);
    boxes[b].middle = Point::new(other.middle.x + x, other.middle.y + y);
    true
}
