//! The order of the nodes of each layer, with few crossings.

use super::super::scene::Scene;
use super::ranks;

/// How often the layers are sorted by their neighbours.
const SWEEPS: usize = 12;

/// How many places the links that pass layers may take; where they need more they pass behind nodes.
const MOST_BENDS: usize = 50_000;

/// The nodes, and the bends of links that pass layers, by number: first the nodes.
pub(super) struct Items {
    /// The layer of each.
    pub(super) ranks: Vec<usize>,
    /// Those in the layer above that each is joined to.
    pub(super) upper: Vec<Vec<usize>>,
    /// Those in the layer below.
    pub(super) lower: Vec<Vec<usize>>,
    /// The items of each link from above to below; none where both ends are in one layer.
    pub(super) chains: Vec<Vec<usize>>,
}

impl Items {
    pub(super) fn new(scene: &Scene) -> Self {
        let ranks = ranks::ranks(scene);
        let span = |line: &super::super::scene::Line| ranks[line.upper].abs_diff(ranks[line.lower]);
        let bends: usize = scene.links.iter().map(|line| span(line).saturating_sub(1)).sum();
        let count = ranks.len();
        let mut items = Self {
            ranks,
            upper: vec![Vec::new(); count],
            lower: vec![Vec::new(); count],
            chains: Vec::new(),
        };
        for line in &scene.links {
            let (high, low) = match items.ranks[line.upper] <= items.ranks[line.lower] {
                true => (line.upper, line.lower),
                false => (line.lower, line.upper),
            };
            let (first, last) = (items.ranks[high], items.ranks[low]);
            let mut chain = Vec::new();
            if first < last {
                chain.push(high);
                if bends <= MOST_BENDS {
                    chain.extend((first + 1..last).map(|rank| items.bend(rank)));
                }
                chain.push(low);
                for pair in chain.windows(2) {
                    items.lower[pair[0]].push(pair[1]);
                    items.upper[pair[1]].push(pair[0]);
                }
            }
            items.chains.push(chain);
        }
        items
    }

    fn bend(&mut self, rank: usize) -> usize {
        self.ranks.push(rank);
        self.upper.push(Vec::new());
        self.lower.push(Vec::new());
        self.ranks.len() - 1
    }
}

/// The items of each layer from left to right.
pub(super) fn order(scene: &Scene, items: &Items) -> Vec<Vec<usize>> {
    let mut layers = first_order(scene, items);
    let mut best = (crossings(items, &layers), layers.clone());
    for sweep in 0..SWEEPS {
        if best.0 == 0 {
            break;
        }
        let places = &mut places(items, &layers);
        if sweep % 2 == 0 {
            for layer in layers.iter_mut().skip(1) {
                sort(layer, &items.upper, places);
            }
        } else {
            for layer in layers.iter_mut().rev().skip(1) {
                sort(layer, &items.lower, places);
            }
        }
        let crossings = crossings(items, &layers);
        if crossings < best.0 {
            best = (crossings, layers.clone());
        }
    }
    best.1
}

/// Depth first from the top, so that a tree has no crossing; names in the order of their numbers.
fn first_order(scene: &Scene, items: &Items) -> Vec<Vec<usize>> {
    let keys: Vec<String> = scene.nodes.iter().map(|node| natural(&node.name)).collect();
    let key = |item: &usize| (items.ranks[*item], keys.get(*item));
    let mut starts: Vec<usize> =
        (0..items.ranks.len()).filter(|&item| items.upper[item].is_empty()).collect();
    starts.sort_by(|a, b| key(b).cmp(&key(a)));
    let mut layers = vec![Vec::new(); items.ranks.iter().max().map_or(0, |last| last + 1)];
    let mut is_seen = vec![false; items.ranks.len()];
    let mut stack = starts;
    while let Some(item) = stack.pop() {
        if std::mem::replace(&mut is_seen[item], true) {
            continue;
        }
        layers[items.ranks[item]].push(item);
        let mut lower = items.lower[item].clone();
        lower.sort_by(|a, b| keys.get(*b).cmp(&keys.get(*a)).then(b.cmp(a)));
        stack.extend(lower);
    }
    layers
}

fn places(items: &Items, layers: &[Vec<usize>]) -> Vec<f64> {
    let mut places = vec![0.0; items.ranks.len()];
    for layer in layers {
        for (place, &item) in layer.iter().enumerate() {
            places[item] = place as f64;
        }
    }
    places
}

/// Sorts a layer by the mean places of its neighbours in the next.
fn sort(layer: &mut [usize], neighbours: &[Vec<usize>], places: &mut [f64]) {
    let mean = |item: &usize| {
        let near = &neighbours[*item];
        let sum: f64 = near.iter().map(|&other| places[other]).sum();
        if near.is_empty() { places[*item] } else { sum / near.len() as f64 }
    };
    let mut keyed: Vec<(f64, usize)> = layer.iter().map(|item| (mean(item), *item)).collect();
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (place, (_, item)) in keyed.into_iter().enumerate() {
        layer[place] = item;
        places[item] = place as f64;
    }
}

/// How many pairs of links cross.
fn crossings(items: &Items, layers: &[Vec<usize>]) -> usize {
    let places = places(items, layers);
    let mut number = 0;
    for (upper, lower) in layers.iter().zip(layers.iter().skip(1)) {
        // Counts, for each link, those before it that end further right, with a tree of sums.
        let mut sums = vec![0_usize; lower.len() + 1];
        let mut seen = 0;
        for &item in upper {
            let rank = items.ranks[item] + 1;
            let near = items.lower[item].iter().filter(|&&low| items.ranks[low] == rank);
            let mut ends: Vec<usize> = near.map(|&low| places[low] as usize).collect();
            ends.sort_unstable();
            for end in &ends {
                let mut at = end + 1;
                let mut not_right = 0;
                while at > 0 {
                    not_right += sums[at];
                    at &= at - 1;
                }
                number += seen - not_right;
            }
            for end in ends {
                seen += 1;
                let mut at = end + 1;
                while at < sums.len() {
                    sums[at] += 1;
                    at += at & at.wrapping_neg();
                }
            }
        }
    }
    number
}

/// `name` so that numbers in it compare as numbers.
pub(super) fn natural(name: &str) -> String {
    let mut key = String::new();
    let mut rest = name;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (text, digits) = rest.split_at(start);
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        key.push_str(text);
        key.push_str(&format!("{:0>20}", &digits[..end]));
        rest = &digits[end..];
    }
    key + rest
}
