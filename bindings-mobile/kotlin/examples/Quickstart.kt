package example

import dev.fiscaflow.*
import java.io.File

suspend fun quickstart(url: String, statement: File) {
    val engine = Engine.open(url)
    // The host says who acts; the engine checks what that actor may do.
    val anna = CallContext(actor = "anna")
    // With ids of its own all this is made once: run it again, and the file brings nothing new.
    val id = { number: Int -> "018f5a2c-1111-7000-8000-00000000000$number" }
    engine.books(anna).create(NewBook(id = id(1), name = "Home", currency = "EUR"))
    val book = engine.book(id(1), anna)

    val food = book.categories().create(NewCategory(id = id(2), name = "Groceries"))
    val market = Condition.Text(TextField.DESCRIPTION, TextOp.CONTAINS, values = listOf("lidl", "spar"))
    val sort = listOf(Action.SetCategory(food.id))
    book.rules().create(NewRule(id = id(3), name = "Markets", condition = market, actions = sort))

    val file = NewImport(content = statement.readBytes(), createAccounts = true)
    val report = book.imports().create(file)
    println("${report.imported} new, ${report.duplicates} known already")
    for (problem in report.problems) println("line ${problem.line}: ${problem.message}")

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
