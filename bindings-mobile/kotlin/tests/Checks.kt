// What the scenarios do not show: the golden lists, the limits of a call, and the README's example.

package dev.fiscaflow.tests

import dev.fiscaflow.*
import example.quickstart
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.yield
import java.io.File
import java.math.BigDecimal
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue

private val ANNA = CallContext(actor = "anna")

/** The master key that the engines of all scenarios have. */
private const val SECRET_KEYS = "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

internal fun scenarioTests(): List<Test> {
    val found = scenarios(File(ROOT, "scenarios"))
    check(found.size >= 25) { "only ${found.size} scenarios" }
    val stores = mapOf("memory" to { "memory:" }, "sqlite" to ::freshFile)
    return stores.flatMap { (store, url) ->
        found.map { (file, scenario) ->
            Test("$store: $file") {
                val engine = Engine.open(url(), secretKeys = SECRET_KEYS)
                runScenario(scenario, engine)
                engine.shutdown()
            }
        }
    }
}

internal fun checks() = listOf(
    Test("the verbs are those of the golden list", ::verbs),
    Test("the codes are those of the golden list", ::codes),
    Test("an error says its lane, code, field and text", ::errors),
    Test("what is malformed is rejected, not thrown", ::malformed),
    Test("a closed engine says so", ::closed),
    Test("an object that was closed is not used again", ::destroyed),
    Test("what was written is there after opening again", ::reopened),
    Test("many calls run at once", ::parallel),
    Test("a call does not hold its caller's thread", ::aside),
    Test("a cancelled call leaves a book that verifies", ::cancelled),
    Test("a file's bytes arrive as they are", ::fileBytes),
    Test("an import tells how far it is", ::progress),
    Test("what a listener throws harms nothing", ::listenerThrows),
    Test("a listener may use the book", ::listenerUsesBook),
    Test("the README's example runs", ::readme),
)

private suspend fun verbs() {
    val golden = parseJson(File(ROOT, "scenarios/verbs.json").readText()) as List<*>
    assertEquals(golden.map { (it as Map<*, *>)["name"] }, VERBS)
}

private suspend fun codes() {
    val golden = parseJson(File(ROOT, "scenarios/error-codes.json").readText()) as List<*>
    val here = ErrorCode.entries.map { mapOf("code" to it.name.lowercase(), "lane" to it.lane().name.lowercase()) }
    assertEquals(golden.toSet(), here.toSet())
    assertEquals(golden.size, here.size)
}

private suspend fun errors() = withBook { book ->
    val new = NewTransaction(accountId = "01890000-0000-7000-8000-000000000000", bookingDate = "2026-03-01", amount = "1,5")
    val error: FiscaFlowException = assertFailsWith<FiscaFlowException.Rejected> { book.transactions().create(new) }
    assertEquals(Lane.REJECTED, error.lane)
    assertEquals(ErrorCode.INVALID_AMOUNT, error.code)
    assertEquals("amount", error.field)
    assertEquals("expected a decimal such as `-12.34`", error.message)
}

private suspend fun malformed() {
    val url = assertFailsWith<FiscaFlowException.Rejected> { Engine.open("nowhere:") }
    assertEquals("url", url.field)
    val engine = Engine.open("memory:")
    val id = assertFailsWith<FiscaFlowException.Rejected> { engine.book("no id", ANNA).get() }
    assertEquals("book_id", id.field)
    val nobody = engine.books(CallContext(actor = ""))
    val actor = assertFailsWith<FiscaFlowException.Rejected> { nobody.create(NewBook(name = "Home", currency = "EUR")) }
    assertEquals("context.actor", actor.field)
    val limit = assertFailsWith<FiscaFlowException.Rejected> {
        withBook { it.transactions().list(TransactionQuery(limit = -1)) }
    }
    assertEquals("limit", limit.field)
}

private suspend fun closed() {
    val engine = Engine.open(freshFile())
    val book = engine.book(engine.books(ANNA).create(NewBook(name = "Home", currency = "EUR")).id, ANNA)
    engine.shutdown()
    val error = assertFailsWith<FiscaFlowException.Unavailable> { book.get() }
    assertEquals(ErrorCode.CLOSED, error.code)
}

private suspend fun destroyed() {
    val engine = Engine.open("memory:")
    engine.close()
    assertFailsWith<IllegalStateException> { engine.books(ANNA) }
}

private suspend fun reopened() {
    val url = freshFile()
    val first = Engine.open(url)
    val id = first.books(ANNA).create(NewBook(name = "Home", currency = "EUR")).id
    first.book(id, ANNA).accounts().create(NewAccount(name = "Giro", openingBalance = "12.50"))
    first.shutdown()
    val second = Engine.open(url)
    val account = second.book(id, ANNA).accounts().list().single()
    assertEquals(Money(value = "12.50", currency = "EUR"), account.openingBalance)
    assertEquals(BigDecimal("12.50"), account.openingBalance.decimal)
    second.shutdown()
}

private suspend fun parallel() = withBook { book ->
    coroutineScope {
        // No more writers than a write is decided again.
        (1..8).map { async { book.accounts().create(NewAccount(name = "Account $it")) } }.awaitAll()
        (1..100).map { async { assertEquals(8, book.accounts().list().size) } }.awaitAll()
    }
}

private suspend fun aside() {
    // In memory there is nothing to wait for: on the caller's thread this would be done at once.
    val engine = Engine.open("memory:")
    val book = engine.book(engine.books(ANNA).create(NewBook(name = "Home", currency = "EUR")).id, ANNA)
    val file = longFile(book)
    coroutineScope {
        val call = async(start = CoroutineStart.UNDISPATCHED) { book.imports().create(file) }
        assertTrue(call.isActive)
        assertEquals(2000, call.await().imported)
    }
}

private suspend fun cancelled() = withBook { book ->
    coroutineScope {
        repeat(20) { number ->
            val call = launch { book.accounts().create(NewAccount(name = "Account $number")) }
            if (number % 2 == 0) yield()
            call.cancelAndJoin()
        }
    }
    assertTrue(book.history().verify().verified)
}

private suspend fun fileBytes() = withBook { book ->
    val latin = "Date,Amount,Description\n2026-03-01,-3.20,Caf\u00e9\n".toByteArray(Charsets.ISO_8859_1)
    val account = book.accounts().create(NewAccount(name = "Giro"))
    book.imports().create(NewImport(content = latin, accountId = account.id))
    assertEquals("Caf\u00e9", book.transactions().list().items.single().description)
}

private suspend fun progress() = withBook { book ->
    val file = longFile(book)
    val heard = mutableListOf<ImportProgress>()
    book.imports().preview(file) { heard += it }
    assertEquals(listOf(ImportPhase.READ, ImportPhase.MATCH), judge(heard))
    heard.clear()
    assertEquals(2000, book.imports().create(file) { heard += it }.imported)
    assertEquals(ImportPhase.entries, judge(heard))
    assertTrue(heard.size > 100)
}

/** Checks that progress only rises and ends with all rows; gives the phases in their order. */
private fun judge(heard: List<ImportProgress>): List<ImportPhase> {
    assertEquals(heard.sortedWith(compareBy({ it.phase }, { it.done })), heard)
    assertEquals(heard.toSet().size, heard.size)
    assertTrue(heard.all { it.total == 2000L })
    val phases = heard.groupBy { it.phase }
    assertTrue(phases.values.all { it.last().done == 2000L })
    return phases.keys.toList()
}

private suspend fun listenerThrows() = withBook { book ->
    var calls = 0
    val report = book.imports().create(longFile(book)) {
        calls++
        if (calls < 3) error("on purpose")
    }
    assertEquals(2000, report.imported)
    assertTrue(calls > 100)
    assertTrue(book.history().verify().verified)
}

private suspend fun listenerUsesBook() = withBook { book ->
    book.imports().create(longFile(book)) {
        if (it.phase == ImportPhase.MATCH && it.done == 0L) {
            runBlocking { book.accounts().create(NewAccount(name = "Cash")) }
        }
    }
    assertEquals(2, book.accounts().list().size)
}

/** A file with 2000 rows for a fresh account. */
private suspend fun longFile(book: BookHandle): NewImport {
    val account = book.accounts().create(NewAccount(name = "Giro")).id
    val rows = (1..2000).joinToString("\n") { "2026-03-01,-$it.20,Bakery $it" }
    return NewImport(content = "Date,Amount,Description\n$rows\n".toByteArray(), accountId = account)
}

private suspend fun readme() {
    val example = File(ROOT, "bindings-mobile/kotlin/examples/Quickstart.kt").readText()
    val readme = File(ROOT, "bindings-mobile/README.md").readText()
    assertTrue("```kotlin\n$example```" in readme, "the README shows another example")
    val statement = File(ROOT, "fiscaflow-store/examples/quickstart/statements/raiffeisen-2017.csv")
    val url = freshFile()
    repeat(2) { quickstart(url, statement) }
}

/** Runs with a fresh book. */
private suspend fun withBook(run: suspend (BookHandle) -> Unit) {
    val engine = Engine.open(freshFile())
    val id = engine.books(ANNA).create(NewBook(name = "Home", currency = "EUR")).id
    run(engine.book(id, ANNA))
    engine.shutdown()
}
