import FiscaFlow
import Foundation

func quickstart(url: String, statement: URL) async throws {
    let engine = try await Engine.open(url: url)
    // The host says who acts; the engine checks what that actor may do.
    let anna = CallContext(actor: "anna")
    // With ids of its own all this is made once: run it again, and the file brings nothing new.
    let id = { (number: Int) in "018f5a2c-1111-7000-8000-00000000000\(number)" }
    let new = NewBook(id: id(1), name: "Home", currency: "EUR")
    _ = try await engine.books(context: anna).create(new: new)
    let book = engine.book(id: id(1), context: anna)

    let food = try await book.categories().create(new: NewCategory(id: id(2), name: "Groceries"))
    let market = Condition.text(field: .description, op: .contains, values: ["lidl", "spar"])
    let sort = Action.setCategory(categoryId: food.id)
    _ = try await book.rules().create(new: NewRule(id: id(3), name: "Markets", condition: market, actions: [sort]))

    let file = NewImport(content: try Data(contentsOf: statement), createAccounts: true)
    let report = try await book.imports().create(new: file)
    print("\(report.imported) new, \(report.duplicates) known already")
    for problem in report.problems {
        print("line \(problem.line ?? 0): \(problem.message)")
    }

    for it in try await book.transactions().list().items {
        print(it.bookingDate, it.amount.value, it.amount.currency, it.description)
    }
    do {
        let account = try await book.accounts().list()[0].id
        let new = NewTransaction(accountId: account, bookingDate: "2026-03-01", amount: "12,50")
        _ = try await book.transactions().create(new: new)
    } catch let error as FiscaFlowError where error.lane == .rejected {
        print("\(error.code) in \(error.field ?? "nothing"): \(error.message)")
    }
    let verification = try await book.history().verify()
    precondition(verification.verified)
    try await engine.shutdown()
}
