// Amounts to calculate with.

package dev.fiscaflow

import java.math.BigDecimal

/** The amount, exactly, with all decimal places of its currency. */
val Money.decimal: BigDecimal
    get() = BigDecimal(value)
