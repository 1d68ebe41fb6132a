// The scenarios, the golden lists, the limits of a call, and the README's example.

import FiscaFlow
import Foundation
import XCTest

private let anna = CallContext(actor: "anna")

final class ScenarioTests: XCTestCase {
    override class func tearDown() {
        try? FileManager.default.removeItem(at: scratch)
    }

    func testInMemory() async throws {
        try await runAll { "memory:" }
    }

    func testOnSqlite() async throws {
        try await runAll { try freshFile() }
    }

    /// The master key that the engines of all scenarios have.
    private let secretKeys = "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

    private func runAll(_ url: () throws -> String) async throws {
        let folder = root.appendingPathComponent("scenarios")
        let golden = ["error-codes.json", "verbs.json"]
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        let files = names.filter { $0.hasSuffix(".json") && !golden.contains($0) }
        XCTAssertGreaterThanOrEqual(files.count, 25)
        for file in files {
            let scenario = try Json.read(folder.appendingPathComponent(file))
            let engine = try await Engine.open(url: try url(), secretKeys: secretKeys)
            do {
                try await runScenario(scenario, on: engine)
                print("ok     \(file)")
            } catch {
                XCTFail("\(file): \(error)")
            }
            try await engine.shutdown()
        }
    }
}

final class GoldenTests: XCTestCase {
    func testTheVerbsAreThoseOfTheList() throws {
        let golden = try Json.read(root.appendingPathComponent("scenarios/verbs.json"))
        XCTAssertEqual(golden.items?.compactMap { $0["name"].text }, verbs)
    }

    func testTheCodesAreThoseOfTheList() throws {
        let golden = try Json.read(root.appendingPathComponent("scenarios/error-codes.json"))
        let here = ErrorCode.allCases.map { ["code": json($0), "lane": Json.text("\($0.lane())")] }
        XCTAssertEqual(golden.items, here.map { .object($0) })
    }
}

final class EngineTests: XCTestCase {
    override class func tearDown() {
        try? FileManager.default.removeItem(at: scratch)
    }

    func testAnErrorSaysItsLaneCodeFieldAndText() async throws {
        let book = try await freshBook()
        let nowhere = "01890000-0000-7000-8000-000000000000"
        let new = NewTransaction(accountId: nowhere, bookingDate: "2026-03-01", amount: "1,5")
        let error = await thrown { _ = try await book.transactions().create(new: new) }
        XCTAssertEqual(error?.lane, .rejected)
        XCTAssertEqual(error?.code, .invalidAmount)
        XCTAssertEqual(error?.field, "amount")
        XCTAssertEqual(error?.localizedDescription, "expected a decimal such as `-12.34`")
    }

    func testWhatIsMalformedIsRejected() async throws {
        let url = await thrown { _ = try await Engine.open(url: "nowhere:") }
        XCTAssertEqual(url?.field, "url")
        let engine = try await Engine.open(url: "memory:")
        let id = await thrown { _ = try await engine.book(id: "no id", context: anna).get() }
        XCTAssertEqual(id?.field, "book_id")
        let nobody = engine.books(context: CallContext(actor: ""))
        let actor = await thrown { _ = try await nobody.create(new: NewBook(name: "Home", currency: "EUR")) }
        XCTAssertEqual(actor?.field, "context.actor")
        let book = try await freshBook()
        let limit = await thrown { _ = try await book.transactions().list(query: TransactionQuery(limit: -1)) }
        XCTAssertEqual(limit?.field, "limit")
    }

    func testAClosedEngineSaysSo() async throws {
        let engine = try await Engine.open(url: try freshFile())
        let id = try await engine.books(context: anna).create(new: NewBook(name: "Home", currency: "EUR")).id
        let book = engine.book(id: id, context: anna)
        try await engine.shutdown()
        let error = await thrown { _ = try await book.get() }
        XCTAssertEqual(error?.lane, .unavailable)
        XCTAssertEqual(error?.code, .closed)
    }

    func testWhatWasWrittenIsThereAfterOpeningAgain() async throws {
        let url = try freshFile()
        let first = try await Engine.open(url: url)
        let id = try await first.books(context: anna).create(new: NewBook(name: "Home", currency: "EUR")).id
        let giro = NewAccount(name: "Giro", openingBalance: "12.50")
        _ = try await first.book(id: id, context: anna).accounts().create(new: giro)
        try await first.shutdown()
        let second = try await Engine.open(url: url)
        let accounts = try await second.book(id: id, context: anna).accounts().list()
        XCTAssertEqual(accounts.map(\.openingBalance), [Money(value: "12.50", currency: "EUR")])
        XCTAssertEqual(accounts.first?.openingBalance.decimal, Decimal(1250) / 100)
        try await second.shutdown()
    }

    func testManyCallsRunAtOnce() async throws {
        let book = try await freshBook()
        try await withThrowingTaskGroup(of: Void.self) { group in
            // No more writers than a write is decided again.
            for number in 1...8 {
                group.addTask { _ = try await book.accounts().create(new: NewAccount(name: "Account \(number)")) }
            }
            try await group.waitForAll()
            for _ in 1...100 {
                group.addTask {
                    let count = try await book.accounts().list().count
                    XCTAssertEqual(count, 8)
                }
            }
            try await group.waitForAll()
        }
    }

    func testAFilesBytesArriveAsTheyAre() async throws {
        let book = try await freshBook()
        // In ISO 8859-1, where `é` is one byte.
        let latin = Data("Date,Amount,Description\n2026-03-01,-3.20,Caf".utf8) + [0xE9, 0x0A]
        let account = try await book.accounts().create(new: NewAccount(name: "Giro"))
        _ = try await book.imports().create(new: NewImport(content: latin, accountId: account.id))
        let items = try await book.transactions().list().items
        XCTAssertEqual(items.map(\.description), ["Café"])
    }

    func testAnImportTellsHowFarItIs() async throws {
        let book = try await freshBook()
        let account = try await book.accounts().create(new: NewAccount(name: "Giro")).id
        let rows = (1...2000).map { "2026-03-01,-\($0).20,Bakery \($0)\n" }.joined()
        let content = Data("Date,Amount,Description\n\(rows)".utf8)
        let file = NewImport(content: content, accountId: account)
        let previewed = Heard()
        _ = try await book.imports().preview(new: file) { previewed.add($0) }
        XCTAssertEqual(judge(previewed.all), [.read, .match])
        let imported = Heard()
        let report = try await book.imports().create(new: file) { imported.add($0) }
        XCTAssertEqual(report.imported, 2000)
        XCTAssertEqual(judge(imported.all), [.read, .match, .store])
        XCTAssertGreaterThan(imported.all.count, 100)
    }

    /// Checks that progress only rises and ends with all rows; gives the phases in their order.
    private func judge(_ heard: [ImportProgress]) -> [ImportPhase] {
        var phases: [ImportPhase] = []
        for (place, it) in heard.enumerated() {
            XCTAssertEqual(it.total, 2000)
            if phases.last == it.phase {
                XCTAssertGreaterThan(it.done, heard[place - 1].done)
            } else {
                XCTAssertFalse(phases.contains(it.phase))
                phases.append(it.phase)
            }
            let ends = place + 1 == heard.count || heard[place + 1].phase != it.phase
            XCTAssertEqual(ends, it.done == 2000)
        }
        return phases
    }

    func testTheReadmesExampleRuns() async throws {
        let here = "bindings-mobile/swift/Tests/FiscaFlowTests/Quickstart.swift"
        let example = try String(contentsOf: root.appendingPathComponent(here), encoding: .utf8)
        let readme = try String(contentsOf: root.appendingPathComponent("bindings-mobile/README.md"), encoding: .utf8)
        XCTAssertTrue(readme.contains("```swift\n\(example)```"), "the README shows another example")
        let path = "fiscaflow-store/examples/quickstart/statements/raiffeisen-2017.csv"
        let (url, statement) = (try freshFile(), root.appendingPathComponent(path))
        for _ in 1...2 {
            try await quickstart(url: url, statement: statement)
        }
    }
}

/// What was heard, from whatever thread.
private final class Heard: @unchecked Sendable {
    private let lock = NSLock()
    private var heard: [ImportProgress] = []

    var all: [ImportProgress] { lock.withLock { heard } }

    func add(_ progress: ImportProgress) {
        lock.withLock { heard.append(progress) }
    }
}

/// The root of the repository.
private let root = URL(fileURLWithPath: ProcessInfo.processInfo.environment["FISCAFLOW_ROOT"] ?? ".")

/// Where the databases of the tests lie.
private let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("fiscaflow-\(UUID().uuidString)")

/// The URL of a fresh database in a file.
private func freshFile() throws -> String {
    try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    return "sqlite:\(scratch.path)/\(UUID().uuidString).sqlite"
}

private func freshBook() async throws -> BookHandle {
    let engine = try await Engine.open(url: try freshFile())
    let home = try await engine.books(context: anna).create(new: NewBook(name: "Home", currency: "EUR"))
    return engine.book(id: home.id, context: anna)
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
