//! ISO 4217 list one: every code with minor units, grouped by how many decimal places it has.
//!
//! Codes without minor units (precious metals, units of account, test codes) are left out: an
//! amount in them has no smallest unit until a book registers one.
//!
//! A code that the standard withdraws stays: books and old statements go on having it. So beside
//! the list of 2024-06-25 here are its successors, `XCG` for `ANG` (amendment 176) and `XAD`
//! (amendment 179), and still `ANG` (withdrawn 2025-07-01), `CUC` (2021) and `BGN` (2026). Of list
//! three (codes withdrawn before) those stand here that bank files still name: what the euro
//! replaced, and what was redenominated since files have been downloaded. `RUR` is among them
//! because Russian banks go on writing it.

/// `(exponent, codes)`; the codes of a group are sorted.
pub(super) const ISO_4217: &[(u8, &[&str])] = &[
    (
        0,
        &[
            "BEF", "BIF", "BYR", "CLP", "DJF", "ESP", "GNF", "ISK", "ITL", "JPY", "KMF", "KRW",
            "LUF", "PTE", "PYG", "RWF", "TRL", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF",
        ],
    ),
    (
        2,
        &[
            "AED", "AFN", "ALL", "AMD", "ANG", "AOA", "ARS", "ATS", "AUD", "AWG", "AZM", "AZN",
            "BAM", "BBD", "BDT", "BGL", "BGN", "BMD", "BND", "BOB", "BOV", "BRL", "BSD", "BTN",
            "BWP", "BYN", "BZD", "CAD", "CDF", "CHE", "CHF", "CHW", "CNY", "COP", "COU", "CRC",
            "CSD", "CUC", "CUP", "CVE", "CYP", "CZK", "DEM", "DKK", "DOP", "DZD", "EEK", "EGP",
            "ERN", "ETB", "EUR", "FIM", "FJD", "FKP", "FRF", "GBP", "GEL", "GHC", "GHS", "GIP",
            "GMD", "GRD", "GTQ", "GYD", "HKD", "HNL", "HRK", "HTG", "HUF", "IDR", "IEP", "ILS",
            "INR", "IRR", "JMD", "KES", "KGS", "KHR", "KPW", "KYD", "KZT", "LAK", "LBP", "LKR",
            "LRD", "LSL", "LTL", "LVL", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRO",
            "MRU", "MTL", "MUR", "MVR", "MWK", "MXN", "MXV", "MYR", "MZM", "MZN", "NAD", "NGN",
            "NIO", "NLG", "NOK", "NPR", "NZD", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "QAR",
            "ROL", "RON", "RSD", "RUB", "RUR", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP",
            "SIT", "SKK", "SLE", "SLL", "SOS", "SRD", "SSP", "STD", "STN", "SVC", "SYP", "SZL",
            "THB", "TJS", "TMT", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "USD", "USN", "UYU",
            "UZS", "VEB", "VED", "VEF", "VES", "WST", "XAD", "XCD", "XCG", "YER", "YUM", "ZAR",
            "ZMK", "ZMW", "ZWG", "ZWL",
        ],
    ),
    (3, &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]),
    (4, &["CLF", "UYW"]),
];
