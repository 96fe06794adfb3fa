//! How far apart two places on the Earth are.

/// The Earth's radius, in kilometres.
const RADIUS: f64 = 6371.0;

/// The length of the great circle between two places given as (longitude, latitude), in kilometres.
pub(super) fn great_circle(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (longitude_a, latitude_a) = (a.0.to_radians(), a.1.to_radians());
    let (longitude_b, latitude_b) = (b.0.to_radians(), b.1.to_radians());
    let across = ((latitude_b - latitude_a) / 2.0).sin();
    let along = ((longitude_b - longitude_a) / 2.0).sin();
    let half = across * across + latitude_a.cos() * latitude_b.cos() * (along * along);
    2.0 * RADIUS * half.min(1.0).sqrt().asin()
}

/// What a link of so many kilometres costs: the nearest whole number, an even one of two as near,
/// and at least 1.
pub(super) fn cost(kilometres: f64) -> u32 {
    kilometres.round_ties_even().clamp(1.0, f64::from(u32::MAX)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_the_way_around_is_a_quarter_of_the_circumference() {
        let quarter = great_circle((0.0, 0.0), (90.0, 0.0));
        assert!((quarter - RADIUS * std::f64::consts::FRAC_PI_2).abs() < 1e-6);
        let opposite = great_circle((0.0, 90.0), (0.0, -90.0));
        assert!((opposite - 2.0 * quarter).abs() < 1e-6);
        assert_eq!(great_circle((8.5, 47.4), (8.5, 47.4)), 0.0);
    }

    #[test]
    fn a_cost_is_whole_and_at_least_one() {
        for (kilometres, whole) in [(0.0, 1), (0.4, 1), (1.5, 2), (2.5, 2), (59.51, 60)] {
            assert_eq!(cost(kilometres), whole, "{kilometres}");
        }
        assert_eq!(cost(1e300), u32::MAX);
        assert_eq!(cost(-5.0), 1);
    }
}
