// Amounts to calculate with.

import Foundation

extension Money {
    /// The amount, exactly.
    public var decimal: Decimal {
        // What the engine writes is always a decimal number.
        Decimal(string: value, locale: Locale(identifier: "en_US_POSIX")) ?? .nan
    }
}
