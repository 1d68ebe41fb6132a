//! Exponential, logarithm and what follows from them, the same on every platform.

/// A count as a float.
#[allow(clippy::cast_precision_loss, reason = "counts of choices; beyond 2^24 they are many")]
pub(super) fn float(count: u32) -> f32 {
    count as f32
}

/// A probability in whole percent, rounded down: what is not reached is not claimed.
pub(crate) fn percent(probability: f32) -> u8 {
    (probability * 100.0) as u8
}

/// A part of one in thousandths.
pub(crate) fn thousandths(part: f64) -> u32 {
    (part * 1000.0).round() as u32
}

/// The exponential: a power of two, and a polynomial for the rest.
pub(super) fn exp(x: f32) -> f32 {
    let x = x.clamp(-80.0, 80.0);
    let whole = (x * std::f32::consts::LOG2_E).round();
    let rest = x - whole * std::f32::consts::LN_2;
    let series = 1.0
        + rest
            * (1.0
                + rest * (0.5 + rest * (1.0 / 6.0 + rest * (1.0 / 24.0 + rest * (1.0 / 120.0)))));
    // Between -116 and 116, so that the exponent is that of a normal number.
    let power = (whole as i32).saturating_add(127).clamp(1, 254);
    series * f32::from_bits(u32::try_from(power).unwrap_or(127) << 23)
}

/// The natural logarithm of a normal number above zero; others count as the smallest.
pub(super) fn ln(x: f32) -> f32 {
    let x = x.max(f32::MIN_POSITIVE);
    let bits = x.to_bits();
    let power = float(bits >> 23) - 127.0;
    let part = f32::from_bits(bits & 0x007f_ffff | 0x3f80_0000);
    // The series of the inverse hyperbolic tangent, around the middle of 1 to 2.
    let part = part / std::f32::consts::SQRT_2;
    let y = (part - 1.0) / (part + 1.0);
    let square = y * y;
    let series = 2.0
        * y
        * (1.0 + square * (1.0 / 3.0 + square * (1.0 / 5.0 + square * (1.0 / 7.0 + square / 9.0))));
    (power + 0.5) * std::f32::consts::LN_2 + series
}

/// Turns scores into probabilities.
pub(super) fn softmax(scores: &mut [f32]) {
    let most = scores.iter().copied().fold(f32::MIN, f32::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = exp(*score - most);
        sum += *score;
    }
    for score in scores.iter_mut() {
        *score /= sum;
    }
}

/// The place of the highest score, the first of equals, and the score.
pub(super) fn highest(scores: &[f32]) -> Option<(usize, f32)> {
    let first = (0, scores.first().copied()?);
    let higher = |best: (usize, f32), it: (usize, f32)| if it.1 > best.1 { it } else { best };
    Some(scores.iter().copied().enumerate().fold(first, higher))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both agree with the platform's own to a few units in the last place.
    #[test]
    fn close_to_the_platform() {
        for step in -7_000_i16..=7_000 {
            let x = f32::from(step) / 100.0;
            assert!((exp(x) / x.exp() - 1.0).abs() < 2e-5, "exp of {x}");
            let y = x.exp();
            assert!((ln(y) - y.ln()).abs() < 2e-5, "ln of {y}");
        }
    }
}
