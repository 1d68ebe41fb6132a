package example

import dev.fiscaflow.*
import java.io.File

suspend fun quickstart(url: String, statement: File) {
    val engine = Engine.open(url)
    // The host says who acts; the engine checks what that actor may do.
    val anna = CallContext(actor = "anna")
    val home = engine.books(anna).create(NewBook(name = "Home", currency = "EUR"))
    val book = engine.book(home.id, anna)

    val food = book.categories().create(NewCategory(name = "Groceries"))
    val market = Condition.Text(TextField.DESCRIPTION, TextOp.CONTAINS, values = listOf("market", "bakery"))
    book.rules().create(NewRule(name = "Food", condition = market, actions = listOf(Action.SetCategory(food.id))))

    val file = NewImport(content = statement.readBytes(), createAccounts = true)
    val report = book.imports().create(file)
    println("${report.imported} new, ${report.duplicates} known already")

    for (it in book.transactions().list().items) {
        println("${it.bookingDate} ${it.amount.value} ${it.amount.currency} ${it.description}")
    }
    try {
        val account = book.accounts().list().first().id
        book.transactions().create(NewTransaction(accountId = account, bookingDate = "2026-03-01", amount = "12,50"))
    } catch (e: FiscaFlowException.Rejected) {
        println("${e.code} in ${e.field}: ${e.message}")
    }
    check(book.history().verify().verified)
    engine.shutdown()
}
