// JSON, and how the shapes are read from it.

import FiscaFlow
import Foundation

/// A value of JSON, or the bytes of a file.
enum Json: Equatable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case decimal(Decimal)
    case text(String)
    case bytes(Data)
    case list([Json])
    case object([String: Json])

    /// A member of an object, or a place of a list; null where there is none.
    subscript(step: String) -> Json {
        switch self {
        case let .object(members):
            return members[step] ?? .null
        case let .list(items):
            guard let place = Int(step), items.indices.contains(place) else { return .null }
            return items[place]
        default:
            return .null
        }
    }

    var members: [String: Json]? {
        if case let .object(members) = self { return members }
        return nil
    }

    var items: [Json]? {
        if case let .list(items) = self { return items }
        return nil
    }

    var text: String? {
        if case let .text(text) = self { return text }
        return nil
    }
}

extension Json: Decodable {
    init(from decoder: Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let it = try? value.decode(Bool.self) {
            self = .boolean(it)
        } else if let it = try? value.decode(Int64.self) {
            self = .integer(it)
        } else if let it = try? value.decode(Decimal.self) {
            self = .decimal(it)
        } else if let it = try? value.decode(String.self) {
            self = .text(it)
        } else if let it = try? value.decode([Json].self) {
            self = .list(it)
        } else {
            self = .object(try value.decode([String: Json].self))
        }
    }

    /// Reads a file.
    static func read(_ file: URL) throws -> Json {
        try JSONDecoder().decode(Json.self, from: Data(contentsOf: file))
    }
}

/// What JSON says and no caller could write in Swift: the compiler refuses it.
struct Inexpressible: Error {
    let message: String

    init(_ message: String) {
        self.message = message
    }
}

/// The members of an object, of which none may be unknown.
struct Members {
    private let members: [String: Json]

    init(_ json: Json, _ known: String...) throws {
        guard let members = json == .null ? [:] : json.members else { throw Inexpressible("no object") }
        let unknown = Set(members.keys).subtracting(known)
        guard unknown.isEmpty else { throw Inexpressible("no members \(unknown)") }
        self.members = members
    }

    func optional<T>(_ name: String, _ read: (Json) throws -> T) throws -> T? {
        let value = members[name] ?? .null
        return value == .null ? nil : try read(value)
    }

    func required<T>(_ name: String, _ read: (Json) throws -> T) throws -> T {
        guard let value = try optional(name, read) else { throw Inexpressible("\(name) is missing") }
        return value
    }
}

func text(_ json: Json) throws -> String {
    guard case let .text(it) = json else { throw Inexpressible("no text") }
    return it
}

func integer(_ json: Json) throws -> Int64 {
    guard case let .integer(it) = json else { throw Inexpressible("no integer") }
    return it
}

func boolean(_ json: Json) throws -> Bool {
    guard case let .boolean(it) = json else { throw Inexpressible("no boolean") }
    return it
}

func bytes(_ json: Json) throws -> Data {
    guard case let .bytes(it) = json else { throw Inexpressible("no bytes") }
    return it
}

func list<T>(_ read: @escaping (Json) throws -> T) -> (Json) throws -> [T] {
    return { json in
        guard case let .list(items) = json else { throw Inexpressible("no list") }
        return try items.map(read)
    }
}

func map<T>(_ read: @escaping (Json) throws -> T) -> (Json) throws -> [String: T] {
    return { json in
        guard case let .object(members) = json else { throw Inexpressible("no object") }
        return try members.mapValues(read)
    }
}

func json(_ it: String) -> Json { .text(it) }

func json(_ it: Int64) -> Json { .integer(it) }

func json(_ it: Bool) -> Json { .boolean(it) }

func json(_ it: Date) -> Json { .text("\(it)") }
