import FiscaFlow
import Foundation

func quickstart(url: String, statement: URL) async throws {
    let engine = try await Engine.open(url: url)
    // The host says who acts; the engine checks what that actor may do.
    let anna = CallContext(actor: "anna")
    let home = try await engine.books(context: anna).create(new: NewBook(name: "Home", currency: "EUR"))
    let book = engine.book(id: home.id, context: anna)

    let food = try await book.categories().create(new: NewCategory(name: "Groceries"))
    let market = Condition.text(field: .description, op: .contains, values: ["market", "bakery"])
    let sort = Action.setCategory(categoryId: food.id)
    _ = try await book.rules().create(new: NewRule(name: "Food", condition: market, actions: [sort]))

    let file = NewImport(content: try Data(contentsOf: statement), createAccounts: true)
    let report = try await book.imports().create(new: file)
    print("\(report.imported) new, \(report.duplicates) known already")

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
