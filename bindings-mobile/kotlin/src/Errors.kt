// What all three lanes of errors have, whichever of them was thrown.

package dev.fiscaflow

/** What to do about it. */
val FiscaFlowException.lane: Lane
    get() = when (this) {
        is FiscaFlowException.Rejected -> Lane.REJECTED
        is FiscaFlowException.Unavailable -> Lane.UNAVAILABLE
        is FiscaFlowException.Corrupt -> Lane.CORRUPT
    }

/** The stable reason. */
val FiscaFlowException.code: ErrorCode
    get() = when (this) {
        is FiscaFlowException.Rejected -> code
        is FiscaFlowException.Unavailable -> code
        is FiscaFlowException.Corrupt -> code
    }

/** The field of the request or of the file's record, where one is at fault. */
val FiscaFlowException.field: String?
    get() = when (this) {
        is FiscaFlowException.Rejected -> field
        is FiscaFlowException.Unavailable -> field
        is FiscaFlowException.Corrupt -> field
    }

/** The line of the file, counted from 1, where one is at fault. */
val FiscaFlowException.line: Long?
    get() = when (this) {
        is FiscaFlowException.Rejected -> line
        is FiscaFlowException.Unavailable -> line
        is FiscaFlowException.Corrupt -> line
    }

/** The object concerned, where there is one. */
val FiscaFlowException.id: String?
    get() = when (this) {
        is FiscaFlowException.Rejected -> id
        is FiscaFlowException.Unavailable -> id
        is FiscaFlowException.Corrupt -> id
    }
