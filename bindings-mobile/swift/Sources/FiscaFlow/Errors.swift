// What all three lanes of errors have, whichever of them was thrown.

import Foundation

extension FiscaFlowError {
    /// What to do about it.
    public var lane: Lane {
        switch self {
        case .Rejected: return .rejected
        case .Unavailable: return .unavailable
        case .Corrupt: return .corrupt
        }
    }

    /// The stable reason.
    public var code: ErrorCode { details.code }

    /// The text for people; it holds no amounts and no payees.
    public var message: String { details.message }

    /// The field of the request or of the file's record, where one is at fault.
    public var field: String? { details.field }

    /// The line of the file, counted from 1, where one is at fault.
    public var line: Int64? { details.line }

    /// The object concerned, where there is one.
    public var id: String? { details.id }

    private var details: (code: ErrorCode, message: String, field: String?, line: Int64?, id: String?) {
        switch self {
        case let .Rejected(code, message, field, line, id),
             let .Unavailable(code, message, field, line, id),
             let .Corrupt(code, message, field, line, id):
            return (code, message, field, line, id)
        }
    }
}

extension FiscaFlowError: LocalizedError {
    public var errorDescription: String? { message }
}
