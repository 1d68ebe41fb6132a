// Books in a second place, and events: sinks that take them or do not, effects that happen once.

import FiscaFlow
import Foundation
import XCTest

private let anna = CallContext(actor: "anna")
private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("fiscaflow-\(UUID().uuidString)")

final class DeliveryTests: XCTestCase {
    override class func setUp() {
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    override class func tearDown() {
        try? FileManager.default.removeItem(at: folder)
    }

    func testABackupIsRestoredAsItWas() async throws {
        for (name, url) in [("a", "memory:"), ("b", "sqlite:\(folder.path)/books.db")] {
            let engine = try await Engine.open(url: url)
            let id = try await fresh(engine)
            try await live(engine, id, 1...5)
            let backup = "\(folder.path)/\(name).backup"
            let made = try await engine.backup(path: backup)
            XCTAssertEqual([made.books, made.commits], [1, 6])
            let restored = try await restore(backup: backup, url: "sqlite:\(backup).again")
            XCTAssertEqual(restored.commits, 6)
            let again = try await Engine.open(url: "sqlite:\(backup).again")
            let (one, other) = (try await history(engine, id), try await history(again, id))
            XCTAssertEqual(one, other)
            let taken = await thrown { _ = try await engine.backup(path: backup) }
            XCTAssertEqual(taken?.code, .invalidInput)
            XCTAssertEqual(taken?.field, "path")
            try await again.shutdown()
            try await engine.shutdown()
            let late = await thrown { _ = try await engine.backup(path: "\(backup).late") }
            XCTAssertEqual(late?.code, .closed)
        }
        let none = await thrown { _ = try await restore(backup: "\(folder.path)/none", url: "memory:") }
        XCTAssertEqual(none?.field, "backup")
    }

    func testABookIsCopiedThereAndBack() async throws {
        let phone = try await Engine.open(url: "sqlite:\(folder.path)/phone.db")
        let server = try await Engine.open(url: "sqlite:\(folder.path)/server.db")
        let id = try await fresh(phone)
        try await live(phone, id, 1...3)
        let copied = try await phone.copyBook(bookId: id, to: server)
        let head = try await phone.book(id: id, context: anna).history().verify().head
        XCTAssertEqual(copied, Copied(commits: 4, hash: head, seq: 4))
        try await live(server, id, 1...5)
        let back = try await server.copyBook(bookId: id, to: phone)
        XCTAssertEqual(back.commits, 2)
        let (one, other) = (try await history(phone, id), try await history(server, id))
        XCTAssertEqual(one, other)
        _ = try await phone.book(id: id, context: anna).accounts().create(new: NewAccount(name: "Cash"))
        _ = try await server.book(id: id, context: anna).accounts().create(new: NewAccount(name: "Savings"))
        let parted = await thrown { _ = try await phone.copyBook(bookId: id, to: server) }
        XCTAssertEqual(parted?.code, .idConflict)
        XCTAssertEqual(parted?.id, "7")
        let malformed = await thrown { _ = try await phone.copyBook(bookId: "home", to: server) }
        XCTAssertEqual(malformed?.field, "book_id")
    }

    func testASinkIsToldEverythingOnceAndInOrder() async throws {
        let engine = try await Engine.open(url: "memory:")
        let id = try await fresh(engine)
        try await live(engine, id, 1...30)
        let told = Told()
        let relay = try engine.relay(name: "notes") { told.add($0.event.id) }
        let round = try await relay.round()
        let ids = try await eventIds(engine, id)
        XCTAssertEqual(told.all, ids)
        let count = Int64(ids.count)
        XCTAssertEqual(round, Round(broken: [], delivered: count, more: false, putOff: 0, setAside: 0, unavailable: nil))
        let again = try await engine.relay(name: "notes") { told.add($0.event.id) }.round()
        XCTAssertEqual(again.delivered, 0)
        try await live(engine, id, 31...31)
        let more = try await relay.round()
        XCTAssertEqual(more.delivered, 1)
        let options = RelayOptions(since: Date().addingTimeInterval(86_400))
        let late = try await engine.relay(name: "late", options: options) { told.add($0.event.id) }.round()
        XCTAssertEqual(late.delivered, 0)
    }

    func testWhatIsRefusedIsTriedAgainAndSetAside() async throws {
        let engine = try await Engine.open(url: "memory:")
        let id = try await fresh(engine)
        try await live(engine, id, 1...2)
        let (ids, told) = (try await eventIds(engine, id), Told())
        let options = RelayOptions(pauseSeconds: 0, tries: 3)
        let relay = try engine.relay(name: "notes", options: options) {
            if $0.event.id == ids[1] { throw URLError(.badURL) }
            told.add($0.event.id)
        }
        var rounds: [Round] = []
        for _ in 1...3 {
            rounds.append(try await relay.round())
        }
        XCTAssertEqual(rounds.map(\.putOff), [1, 1, 0])
        XCTAssertEqual(rounds.map(\.setAside), [0, 0, 1])
        XCTAssertEqual(told.all, ids.filter { $0 != ids[1] })
        let events = engine.book(id: id, context: anna).events()
        let aside = try await events.delivery(query: DeliveryQuery(sink: "notes")).setAside
        XCTAssertEqual(aside.map(\.reason), ["the sink failed"])
        _ = try await events.redeliver(request: Redelivery(sink: "notes", eventId: ids[1]))
        let saying = try engine.relay(name: "notes") { _ in throw Undelivered.Refused(message: "no such address") }
        _ = try await saying.round()
        let again = try await events.delivery(query: DeliveryQuery(sink: "notes")).setAside
        XCTAssertEqual(again.map(\.reason), ["no such address"])
    }

    func testASinkThatIsAwayLosesNothing() async throws {
        let engine = try await Engine.open(url: "memory:")
        let id = try await fresh(engine)
        let options = RelayOptions(pauseSeconds: 0, tries: 1)
        let away: [(any Error & Sendable, String)] = [
            (Undelivered.Unavailable(message: "no network", retryAfterSeconds: 0), "no network"),
            (FiscaFlowError.Unavailable(code: .closed, message: "closed", field: nil, line: nil, id: nil), "closed"),
        ]
        for (error, reason) in away {
            let round = try await engine.relay(name: "notes", options: options) { _ in throw error }.round()
            XCTAssertEqual(round.setAside, 0)
            XCTAssertEqual(round.unavailable, reason)
        }
        let told = Told()
        let round = try await engine.relay(name: "notes") { told.add($0.event.id) }.round()
        XCTAssertEqual(round.delivered, 1)
        let ids = try await eventIds(engine, id)
        XCTAssertEqual(told.all, ids)
    }

    func testWhatIsNoRelayIsRefused() async throws {
        let engine = try await Engine.open(url: "memory:")
        let tries = await thrown { _ = try engine.relay(name: "notes", options: RelayOptions(tries: 0)) { _ in } }
        XCTAssertEqual(tries?.code, .invalidInput)
        XCTAssertEqual(tries?.field, "tries")
        let name = await thrown { _ = try engine.relay(name: "") { _ in } }
        XCTAssertEqual(name?.lane, .rejected)
        let inbox = await thrown { _ = try Inbox(consumer: "", actor: "anna") }
        XCTAssertEqual(inbox?.lane, .rejected)
    }

    func testAnEffectHappensOnce() async throws {
        let engine = try await Engine.open(url: "memory:")
        let id = try await fresh(engine)
        try await live(engine, id, 1...2)
        let inbox = try Inbox(consumer: "names", actor: "anna")
        for name in ["one", "two"] {
            let relay = try engine.relay(name: name) { it in
                guard it.event.name.hasPrefix("ledger.account.") else { return }
                _ = try await inbox.once(engine: engine, outgoing: it) {
                    try await $0.categories().create(new: NewCategory(name: it.event.id))
                }
            }
            let round = try await relay.round()
            XCTAssertEqual(round.putOff, 0)
        }
        let book = engine.book(id: id, context: anna)
        let made = try await book.categories().list()
        XCTAssertEqual(made.count, 2)
        let events = try await book.events().list(query: HistoryQuery(limit: 500))
        let event = try XCTUnwrap(events.first { $0.name.hasPrefix("ledger.account.") })
        let seen = Outgoing(bookId: id, event: event)
        let other = try await inbox.once(engine: engine, outgoing: seen) {
            try await $0.categories().create(new: NewCategory(name: "Other"))
        }
        XCTAssertNil(other)
    }

    func testBooksLiveInPostgresqlToo() async throws {
        guard let url = ProcessInfo.processInfo.environment["FISCAFLOW_TEST_DATABASE"] else {
            throw XCTSkip("FISCAFLOW_TEST_DATABASE names no PostgreSQL database")
        }
        let (server, phone) = (try await Engine.open(url: url), try await Engine.open(url: "memory:"))
        let id = try await fresh(phone)
        try await live(phone, id, 1...3)
        let copied = try await phone.copyBook(bookId: id, to: server)
        XCTAssertEqual(copied.commits, 4)
        try await live(server, id, 1...5)
        _ = try await server.copyBook(bookId: id, to: phone)
        let (one, other) = (try await history(phone, id), try await history(server, id))
        XCTAssertEqual(one, other)
        _ = try await server.backup(path: "\(folder.path)/server.backup")
        try await live(server, id, 6...6)
        let ahead = await thrown { _ = try await restore(backup: "\(folder.path)/server.backup", url: url) }
        XCTAssertEqual(ahead?.code, .idConflict)
        try await server.shutdown()
    }
}

private func fresh(_ engine: Engine) async throws -> String {
    try await engine.books(context: anna).create(new: NewBook(name: "Home", currency: "EUR")).id
}

/// Some writes, each of which happens once.
private func live(_ engine: Engine, _ id: String, _ numbers: ClosedRange<Int>) async throws {
    for number in numbers {
        let once = CallContext(actor: "anna", idempotencyKey: "account \(number)")
        let new = NewAccount(name: "Account \(number)")
        _ = try await engine.book(id: id, context: once).accounts().create(new: new)
    }
}

/// What happened, and the proof of it.
private func history(_ engine: Engine, _ id: String) async throws -> [String] {
    let book = engine.book(id: id, context: anna)
    let verification = try await book.history().verify()
    XCTAssertTrue(verification.verified)
    let accounts = try await book.accounts().list().map(\.name)
    return [verification.head, "\(verification.commits)"] + accounts
}

private func eventIds(_ engine: Engine, _ id: String) async throws -> [String] {
    let events = engine.book(id: id, context: anna).events()
    return try await events.list(query: HistoryQuery(limit: 500)).map(\.id)
}

/// The engine's error that a call throws.
private func thrown(_ call: () async throws -> Void) async -> FiscaFlowError? {
    do {
        try await call()
        XCTFail("no error was thrown")
    } catch let error as FiscaFlowError {
        return error
    } catch {
        XCTFail("another error was thrown: \(error)")
    }
    return nil
}

/// What was told, from whatever thread.
private final class Told: @unchecked Sendable {
    private let lock = NSLock()
    private var told: [String] = []

    var all: [String] { lock.withLock { told } }

    func add(_ id: String) {
        lock.withLock { told.append(id) }
    }
}
