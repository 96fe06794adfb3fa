//! Where the items of layers stand from left to right.

use super::super::scene::Scene;
use super::order::Items;
use super::{Side, Size};

/// How wide a picture may be before its layers are wrapped.
const WIDTH: f64 = 1500.0;

/// How much wider a layer may be if that saves it from being wrapped, or groups from being torn.
const SLACK: f64 = 1.4;

/// The room between two boxes of a layer.
const ROOM: f64 = 20.0;

/// The room at the sides of a column, where its lines run.
const GUTTER: f64 = 14.0;

/// The room below a box in a column.
const BELOW: f64 = 12.0;

/// How often all layers are moved under and over their neighbours.
const ROUNDS: usize = 8;

/// A layer: items side by side, or in columns.
pub(super) struct Band {
    pub(super) slots: Vec<Slot>,
    /// From one row to the next.
    pub(super) pitch: f64,
}

/// A place in a layer.
pub(super) struct Slot {
    /// The items that stand here, from the top.
    pub(super) members: Vec<usize>,
    pub(super) x: f64,
    /// How far it reaches to both sides.
    pub(super) left: f64,
    pub(super) right: f64,
}

impl Band {
    pub(super) fn height(&self) -> f64 {
        let rows = self.slots.iter().map(|slot| slot.members.len()).max().unwrap_or(0);
        rows as f64 * self.pitch - BELOW
    }

    pub(super) fn width(&self) -> f64 {
        let ends = self.slots.first().zip(self.slots.last());
        ends.map_or(0.0, |(first, last)| last.x + last.right - first.x + first.left)
    }
}

pub(super) fn place(
    scene: &Scene,
    items: &Items,
    layers: &[Vec<usize>],
    sizes: &[Size],
    guests: &[Side],
) -> Vec<Band> {
    let extents = extents(items, sizes, guests);
    let area: f64 = sizes.iter().map(|size| (size.width + 40.0) * (size.height + 20.0)).sum();
    let most = WIDTH.max((area * 2.0).sqrt());
    let cost = scene.links.iter().filter_map(|line| line.cost).max();
    let ticks = cost.map_or(0.0, |cost| 12.0 + 6.0 * cost.to_string().len() as f64);
    let mut bands: Vec<Band> = layers
        .iter()
        .map(|layer| {
            let height = layer.iter().filter_map(|&item| {
                let below = guests.get(item) == Some(&Side::Below);
                sizes.get(item).map(|size| match below {
                    true => size.height + size.guests_height,
                    false => size.height.max(size.guests_height),
                })
            });
            let pitch = height.fold(0.0, f64::max) + BELOW;
            Band { slots: wrap(items, layer, &extents, most, ticks), pitch }
        })
        .collect();
    let mut slot_of = vec![(0, 0); items.ranks.len()];
    for (rank, band) in bands.iter_mut().enumerate() {
        let mut x = -band.slots.iter().map(|slot| slot.left + slot.right + ROOM).sum::<f64>() / 2.0;
        for (place, slot) in band.slots.iter_mut().enumerate() {
            slot.x = x + slot.left;
            x += slot.left + slot.right + ROOM;
            for &item in &slot.members {
                slot_of[item] = (rank, place);
            }
        }
    }
    for _ in 0..ROUNDS {
        for rank in 1..bands.len() {
            pull(&mut bands, rank, &items.upper, &slot_of);
        }
        for rank in (0..bands.len().saturating_sub(1)).rev() {
            pull(&mut bands, rank, &items.lower, &slot_of);
        }
    }
    bands
}

/// How far each item reaches to the left and to the right.
fn extents(items: &Items, sizes: &[Size], guests: &[Side]) -> Vec<(f64, f64)> {
    let extent = |item: usize| {
        let Some(size) = sizes.get(item) else {
            return (2.0, 2.0);
        };
        let half = size.width / 2.0;
        match guests[item] {
            Side::Right if size.guests_width > 0.0 => (half, half + 8.0 + size.guests_width),
            Side::Right => (half, half),
            Side::Below => (half.max(size.guests_width / 2.0), half.max(size.guests_width / 2.0)),
        }
    };
    (0..items.ranks.len()).map(extent).collect()
}

/// Puts the items of a layer side by side, or into as few rows of columns as it takes to be no wider
/// than `most`. Those that have the same neighbours above share columns.
fn wrap(
    items: &Items,
    layer: &[usize],
    extents: &[(f64, f64)],
    most: f64,
    ticks: f64,
) -> Vec<Slot> {
    let width: f64 = layer.iter().map(|&item| extents[item].0 + extents[item].1 + ROOM).sum();
    if width <= most * SLACK {
        let slot = |&item: &usize| Slot {
            members: vec![item],
            x: 0.0,
            left: extents[item].0,
            right: extents[item].1,
        };
        return layer.iter().map(slot).collect();
    }
    let left = layer.iter().map(|&item| extents[item].0).fold(0.0, f64::max) + GUTTER + ticks;
    let right = layer.iter().map(|&item| extents[item].1).fold(0.0, f64::max) + GUTTER;
    let columns = (most / (left + right + ROOM)).floor().max(1.0) as usize;
    let groups: Vec<&[usize]> = layer.chunk_by(|&a, &b| items.upper[a] == items.upper[b]).collect();
    let (groups, columns) = match groups.len() <= columns * 2 {
        true => (groups, columns.max(layer.len().min(columns * 3 / 2))),
        false => (vec![layer], columns),
    };
    let columns = columns.max(groups.len());
    let needs = |rows: usize| groups.iter().map(|group| group.len().div_ceil(rows)).sum::<usize>();
    let mut rows = layer.len().div_ceil(columns).max(2);
    while needs(rows) > columns {
        rows += 1;
    }
    let columns = groups.iter().flat_map(|group| even(group, group.len().div_ceil(rows)));
    columns.map(|members| Slot { members: members.to_vec(), x: 0.0, left, right }).collect()
}

/// `items` in so many parts, as even as they can be.
fn even(items: &[usize], parts: usize) -> impl Iterator<Item = &[usize]> {
    let cut = move |part: usize| part * items.len() / parts;
    (0..parts).map(move |part| &items[cut(part)..cut(part + 1)])
}

/// Moves the places of a layer as near as may be to the means of their neighbours, in their order.
fn pull(bands: &mut [Band], rank: usize, near: &[Vec<usize>], slot_of: &[(usize, usize)]) {
    let x = |item: usize| {
        let (rank, place) = slot_of[item];
        bands[rank].slots[place].x
    };
    let wish = |slot: &Slot| {
        let neighbours = slot.members.iter().flat_map(|&item| &near[item]);
        let (sum, number) =
            neighbours.fold((0.0, 0.0), |(sum, number), &item| (sum + x(item), number + 1.0));
        if number > 0.0 { (sum / number, 1.0) } else { (slot.x, 0.01) }
    };
    let wishes: Vec<(f64, f64)> = bands[rank].slots.iter().map(wish).collect();
    settle(&mut bands[rank].slots, &wishes);
}

/// The places nearest to `wishes` that keep order and room: wishes that are too close are joined to
/// blocks, and each block stands at the mean of its own.
fn settle(slots: &mut [Slot], wishes: &[(f64, f64)]) {
    let mut offset = 0.0;
    let mut offsets = Vec::with_capacity(slots.len());
    for (place, slot) in slots.iter().enumerate() {
        if place > 0 {
            offset += slots[place - 1].right + slot.left + ROOM;
        }
        offsets.push(offset);
    }
    // Each block: the sum of its weighted wishes, its weight, and how many it holds.
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    for ((wish, weight), offset) in wishes.iter().zip(&offsets) {
        let mut block = ((wish - offset) * weight, *weight, 1);
        while let Some(&(sum, weight, number)) = blocks.last() {
            if sum / weight <= block.0 / block.1 {
                break;
            }
            block = (block.0 + sum, block.1 + weight, block.2 + number);
            blocks.pop();
        }
        blocks.push(block);
    }
    let all =
        blocks.iter().flat_map(|&(sum, weight, number)| std::iter::repeat_n(sum / weight, number));
    for ((slot, block), offset) in slots.iter_mut().zip(all).zip(&offsets) {
        slot.x = block + offset;
    }
}
