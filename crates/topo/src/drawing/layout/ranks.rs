//! Which layer each node stands in.

use std::cmp::Reverse;
use std::collections::VecDeque;

use super::super::scene::Scene;

/// Whether nobody is above itself.
pub(super) fn is_acyclic(scene: &Scene) -> bool {
    let mut below = vec![0_usize; scene.nodes.len()];
    peel(scene, &mut below) == scene.nodes.len()
}

/// The layer of each node, 0 at the top: below all that are above it. A node that has nobody above it
/// stands right above the first of those below it. Where all are equals, layers are distances from the
/// node with the most links.
///
/// Where nodes are above each other in a circle, its links say nothing about layers.
pub(super) fn ranks(scene: &Scene) -> Vec<usize> {
    if !scene.links.iter().any(|line| line.is_hierarchy) {
        return distances(&scene.neighbours());
    }
    let mut ranks = vec![0; scene.nodes.len()];
    peel(scene, &mut ranks);
    let mut has_upper = vec![false; ranks.len()];
    let mut least_below = vec![usize::MAX; ranks.len()];
    for line in scene.links.iter().filter(|line| line.is_hierarchy) {
        has_upper[line.lower] = true;
        let rank = ranks[line.lower];
        least_below[line.upper] = least_below[line.upper].min(rank);
    }
    for (node, rank) in ranks.iter_mut().enumerate() {
        if !has_upper[node] && least_below[node] != usize::MAX {
            *rank = least_below[node].saturating_sub(1);
        }
    }
    ranks
}

fn distances(neighbours: &[Vec<usize>]) -> Vec<usize> {
    let mut starts: Vec<usize> = (0..neighbours.len()).collect();
    starts.sort_by_key(|&node| (Reverse(neighbours[node].len()), node));
    let mut ranks = vec![None; neighbours.len()];
    for start in starts {
        let mut queue = VecDeque::from([(start, 0)]);
        while let Some((node, rank)) = queue.pop_front() {
            if ranks[node].is_none() {
                ranks[node] = Some(rank);
                queue.extend(neighbours[node].iter().map(|&next| (next, rank + 1)));
            }
        }
    }
    ranks.into_iter().map(Option::unwrap_or_default).collect()
}

/// Takes nodes off from the top, noting the longest way to each; says how many could be taken.
fn peel(scene: &Scene, ranks: &mut [usize]) -> usize {
    let count = ranks.len();
    let mut lower: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut above = vec![0_usize; count];
    for line in scene.links.iter().filter(|line| line.is_hierarchy) {
        lower[line.upper].push(line.lower);
        above[line.lower] += 1;
    }
    let mut free: Vec<usize> = (0..count).filter(|&node| above[node] == 0).collect();
    let mut taken = 0;
    while let Some(node) = free.pop() {
        taken += 1;
        for &next in &lower[node] {
            ranks[next] = ranks[next].max(ranks[node] + 1);
            above[next] -= 1;
            if above[next] == 0 {
                free.push(next);
            }
        }
    }
    taken
}
