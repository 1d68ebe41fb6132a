//! Merchant category codes of ISO 18245, and what they stand for among the lexicon's categories.

/// Ranges of codes, both ends included, in their order.
const RANGES: &[(u16, u16, &str)] = &[
    (742, 742, "Pets"),
    (3000, 3299, "Travel and lodging"),
    (3351, 3441, "Transport and rental"),
    (3501, 3999, "Travel and lodging"),
    (4011, 4011, "Transport and rental"),
    (4111, 4112, "Transport and rental"),
    (4119, 4119, "Health"),
    (4121, 4131, "Transport and rental"),
    (4214, 4215, "Post and parcels"),
    (4411, 4411, "Travel and lodging"),
    (4457, 4457, "Transport and rental"),
    (4511, 4582, "Travel and lodging"),
    (4722, 4723, "Travel and lodging"),
    (4784, 4784, "Car"),
    (4789, 4789, "Transport and rental"),
    (4812, 4816, "Electronics and phone"),
    (4829, 4829, "Banking"),
    (5013, 5013, "Car"),
    (5021, 5021, "Home and garden"),
    (5045, 5045, "Electronics and phone"),
    (5065, 5065, "Electronics and phone"),
    (5072, 5074, "Home and garden"),
    (5094, 5094, "Jewellery"),
    (5111, 5111, "Books and stationery"),
    (5122, 5122, "Health"),
    (5137, 5139, "Clothing and shoes"),
    (5172, 5172, "Fuel and charging"),
    (5192, 5192, "Books and stationery"),
    (5193, 5261, "Home and garden"),
    (5300, 5399, "General merchandise"),
    (5411, 5451, "Groceries"),
    (5462, 5462, "Coffee and bakery"),
    (5499, 5499, "Groceries"),
    (5511, 5533, "Car"),
    (5541, 5542, "Fuel and charging"),
    (5551, 5599, "Car"),
    (5611, 5651, "Clothing and shoes"),
    (5655, 5655, "Sports and outdoor"),
    (5661, 5699, "Clothing and shoes"),
    (5712, 5722, "Home and garden"),
    (5732, 5732, "Electronics and phone"),
    (5733, 5733, "Entertainment"),
    (5734, 5734, "Electronics and phone"),
    (5735, 5735, "Entertainment"),
    (5811, 5812, "Restaurants"),
    (5813, 5813, "Bars and alcohol"),
    (5814, 5814, "Fast food"),
    (5815, 5818, "Entertainment"),
    (5912, 5912, "Health"),
    (5921, 5921, "Bars and alcohol"),
    (5940, 5941, "Sports and outdoor"),
    (5942, 5943, "Books and stationery"),
    (5944, 5944, "Jewellery"),
    (5945, 5945, "Toys and children"),
    (5946, 5946, "Electronics and phone"),
    (5947, 5947, "General merchandise"),
    (5948, 5948, "Clothing and shoes"),
    (5960, 5960, "Insurance and finance"),
    (5962, 5962, "Travel and lodging"),
    (5975, 5976, "Health"),
    (5977, 5977, "Beauty"),
    (5983, 5983, "Fuel and charging"),
    (5992, 5992, "Home and garden"),
    (5993, 5993, "Tobacco and vape"),
    (5994, 5994, "Books and stationery"),
    (5995, 5995, "Pets"),
    (5996, 5996, "Home and garden"),
    (5998, 5998, "Sports and outdoor"),
    (6010, 6051, "Banking"),
    (6211, 6399, "Insurance and finance"),
    (6513, 6513, "Property"),
    (7011, 7033, "Travel and lodging"),
    (7210, 7217, "Laundry and services"),
    (7230, 7230, "Beauty"),
    (7251, 7251, "Laundry and services"),
    (7297, 7298, "Beauty"),
    (7349, 7349, "Laundry and services"),
    (7512, 7519, "Transport and rental"),
    (7523, 7549, "Car"),
    (7622, 7622, "Electronics and phone"),
    (7800, 7802, "Gambling"),
    (7829, 7841, "Entertainment"),
    (7911, 7911, "Fitness"),
    (7922, 7929, "Entertainment"),
    (7932, 7941, "Sports and outdoor"),
    (7991, 7991, "Entertainment"),
    (7992, 7992, "Sports and outdoor"),
    (7993, 7994, "Entertainment"),
    (7995, 7995, "Gambling"),
    (7996, 7996, "Entertainment"),
    (7997, 7997, "Fitness"),
    (7998, 7999, "Entertainment"),
    (8011, 8099, "Health"),
    (8211, 8299, "Education"),
    (8351, 8351, "Toys and children"),
    (8675, 8675, "Car"),
    (9402, 9402, "Post and parcels"),
];

/// What a merchant category code stands for among [`CATEGORIES`](super::CATEGORIES); none where
/// it stands for nothing in particular, such as a business service or a tax.
///
/// ```
/// use fiscaflow_core::normalise::mcc_category;
///
/// assert_eq!(mcc_category(5411), Some("Groceries"));
/// assert_eq!(mcc_category(9311), None);
/// ```
pub fn mcc_category(code: u16) -> Option<&'static str> {
    let place = RANGES.partition_point(|(_, last, _)| *last < code);
    RANGES.get(place).filter(|(first, _, _)| *first <= code).map(|(_, _, category)| *category)
}

#[cfg(test)]
mod tests {
    use super::RANGES;
    use crate::normalise::CATEGORIES;

    /// Ranges stand in order without meeting, and name categories that are there.
    #[test]
    fn ranges_are_in_order() {
        assert!(RANGES.iter().all(|(first, last, _)| first <= last));
        assert!(RANGES.windows(2).all(|pair| pair[0].1 < pair[1].0));
        assert!(RANGES.iter().all(|(_, _, category)| CATEGORIES.contains(category)));
    }
}
