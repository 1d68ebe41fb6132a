// Runs a scenario: see scenarios/README.md for the format.

import FiscaFlow
import Foundation

/// One call of a verb, by names.
struct Call {
    let verb: String
    let book: String?
    let context: CallContext
    let id: String?
    let request: Json

    func theId() throws -> String {
        guard let id else { throw Inexpressible("id is missing") }
        return id
    }
}

/// What differs from what a scenario says.
struct Difference: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Runs a scenario; throws where something differs.
func runScenario(_ scenario: Json, on engine: Engine) async throws {
    try onlyKnown(scenario, "name", "about", "steps")
    var saved: [String: Json] = [:]
    for (place, step) in (scenario["steps"].items ?? []).enumerated() {
        do {
            try await Step(given: step, saved: saved).run(on: engine, saving: &saved)
        } catch {
            throw Difference("step \(place + 1) (\(step["verb"].text ?? "")): \(error)")
        }
    }
}

private func onlyKnown(_ json: Json, _ known: String...) throws {
    let unknown = Set((json.members ?? [:]).keys).subtracting(known)
    if !unknown.isEmpty { throw Difference("unknown members \(unknown)") }
}

private struct Step {
    let given: Json
    let saved: [String: Json]

    func run(on engine: Engine, saving: inout [String: Json]) async throws {
        try onlyKnown(
            given, "verb", "actor", "book", "id", "request", "context", "content", "expect", "error", "save"
        )
        let wanted = given["error"]
        let answer: Json
        do {
            answer = try await dispatch(engine, call())
        } catch let error as FiscaFlowError where wanted != .null {
            return try judge(error, wanted)
        } catch let error as Inexpressible {
            // What no caller can write must be refused where it can be written.
            let code = wanted["code"].text ?? ""
            guard wanted["lane"].text == "rejected", code.hasPrefix("invalid_") else { throw error }
            return
        }
        guard wanted == .null else { throw Difference("answered, but \(wanted) was to come") }
        for (name, path) in given["save"].members ?? [:] {
            let part = (path.text ?? "").split(separator: ".").reduce(answer) { $0[String($1)] }
            guard part != .null else { throw Difference("the answer has no \(path)") }
            saving[name] = part
        }
        let now = Step(given: given, saved: saving)
        if let expect = given.members?["expect"] { try compare(now.fill(expect), answer, "the answer") }
    }

    private func call() throws -> Call {
        var request = try fill(given["request"])
        if let content = try fill(given["content"]).text {
            var members = request.members ?? [:]
            members["content"] = .bytes(Data(content.utf8))
            request = .object(members)
        }
        var context = try fill(given["context"]).members ?? [:]
        context["actor"] = try fill(given["actor"])
        return Call(
            verb: given["verb"].text ?? "",
            book: try fill(given["book"]).text,
            context: try readCallContext(.object(context)),
            id: try fill(given["id"]).text,
            request: request
        )
    }

    /// A value with what was saved in the places of its names.
    private func fill(_ value: Json) throws -> Json {
        switch value {
        case let .object(members): return .object(try members.mapValues(fill))
        case let .list(items): return .list(try items.map(fill))
        case let .text(text): return try fill(text)
        default: return value
        }
    }

    private func fill(_ text: String) throws -> Json {
        if text.hasPrefix("$"), isName(text.dropFirst()) { return try get(text.dropFirst()) }
        var parts = text.components(separatedBy: "${")
        var filled = parts.removeFirst()
        for part in parts {
            if let end = part.firstIndex(of: "}"), isName(part[..<end]) {
                let value = try get(part[..<end])
                switch value {
                case let .text(text): filled += text
                case let .integer(number): filled += String(number)
                default: filled += "\(value)"
                }
                filled += part[part.index(after: end)...]
            } else {
                // Not a name, such as the end of a regular expression.
                filled += "${" + part
            }
        }
        return .text(filled)
    }

    private func isName(_ text: Substring) -> Bool {
        guard let first = text.first, first.isLetter || first == "_" else { return false }
        return text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    }

    private func get(_ name: Substring) throws -> Json {
        guard let value = saved[String(name)] else { throw Difference("nothing was saved as \(name)") }
        return value
    }
}

private func judge(_ error: FiscaFlowError, _ wanted: Json) throws {
    try onlyKnown(wanted, "code", "lane", "field", "line")
    let found: [String: Json] = [
        "code": json(error.code),
        "lane": .text("\(error.lane)"),
        "field": error.field.map { json($0) } ?? .null,
        "line": error.line.map { json($0) } ?? .null,
    ]
    for (name, value) in wanted.members ?? [:] where found[name] != value {
        throw Difference("refused with \(found), not with \(wanted)")
    }
}

/// Throws unless an answer looks as expected.
private func compare(_ expect: Json, _ answer: Json, _ path: String) throws {
    let differs = Difference("\(path) is \(answer), not \(expect)")
    if expect == .text("<any>") {
        if answer == .null { throw differs }
    } else if let only = expect.members, only.count == 1, let length = only["<length>"] {
        guard let items = answer.items, .integer(Int64(items.count)) == length else { throw differs }
    } else if let only = expect.members, only.count == 1, let wanted = only["<contains>"]?.items {
        guard let items = answer.items else { throw differs }
        for one in wanted where !items.contains(where: { matches(one, $0) }) { throw differs }
    } else if let members = expect.members {
        guard answer.members != nil else { throw differs }
        for (name, value) in members { try compare(value, answer[name], "\(path).\(name)") }
    } else if let wanted = expect.items {
        guard let items = answer.items, items.count == wanted.count else { throw differs }
        for (place, pair) in zip(wanted, items).enumerated() {
            try compare(pair.0, pair.1, "\(path).\(place)")
        }
    } else if expect != answer {
        throw differs
    }
}

private func matches(_ expect: Json, _ answer: Json) -> Bool {
    do {
        try compare(expect, answer, "")
        return true
    } catch {
        return false
    }
}
