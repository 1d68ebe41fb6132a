// Books in a second place, and events: sinks that take them or do not, effects that happen once.

package dev.fiscaflow.tests

import dev.fiscaflow.*
import java.io.File
import java.nio.file.Files
import java.time.Instant
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

private val ANNA = CallContext(actor = "anna")
private val DATABASE: String? = System.getenv("FISCAFLOW_TEST_DATABASE")

internal fun deliveryTests() = listOf(
    Test("a backup is restored as it was", ::backups),
    Test("a book is copied there and back", ::copies),
    Test("a sink is told everything once and in order", ::inOrder),
    Test("what is refused is tried again and set aside", ::refused),
    Test("a sink that is away loses nothing", ::away),
    Test("what is no relay is refused", ::noRelay),
    Test("an effect happens once", ::once),
) + listOfNotNull(DATABASE?.let { url -> Test("books live in PostgreSQL too") { postgres(url) } })

private suspend fun fresh(engine: Engine): String =
    engine.books(ANNA).create(NewBook(name = "Home", currency = "EUR")).id

/** Some writes, each of which happens once. */
private suspend fun live(engine: Engine, id: String, numbers: IntRange) {
    for (number in numbers) {
        val once = CallContext(actor = "anna", idempotencyKey = "account $number")
        engine.book(id, once).accounts().create(NewAccount(name = "Account $number"))
    }
}

/** Everything that happened, and the proof of it. */
private suspend fun history(engine: Engine, id: String): Any {
    val book = engine.book(id, ANNA)
    val verification = book.history().verify()
    assertTrue(verification.verified)
    return listOf(verification, book.history().list(HistoryQuery(limit = 500)), book.accounts().list())
}

private suspend fun eventIds(book: BookHandle): List<String> =
    book.events().list(HistoryQuery(limit = 500)).map { it.id }

private suspend fun backups() {
    val folder = Files.createTempDirectory("fiscaflow").toFile()
    for (url in listOf("memory:", freshFile())) {
        val engine = Engine.open(url)
        val id = fresh(engine)
        live(engine, id, 1..5)
        val backup = File(folder, url.hashCode().toString())
        assertEquals(Backup(books = 1, bytes = engine.backup(backup.path).bytes, commits = 6), restore(backup.path, "memory:"))
        assertEquals(backup.length(), restore(backup.path, "sqlite:$backup.again").bytes)
        val again = Engine.open("sqlite:$backup.again")
        assertEquals(history(engine, id), history(again, id))
        again.shutdown()
        val taken = assertFailsWith<FiscaFlowException.Rejected> { engine.backup(backup.path) }
        assertEquals(ErrorCode.INVALID_INPUT to "path", taken.code to taken.field)
        engine.shutdown()
        val late = assertFailsWith<FiscaFlowException.Unavailable> { engine.backup("$backup.late") }
        assertEquals(ErrorCode.CLOSED, late.code)
    }
    val none = assertFailsWith<FiscaFlowException.Rejected> { restore("$folder/none", "memory:") }
    assertEquals("backup", none.field)
    folder.deleteRecursively()
}

private suspend fun copies() {
    val (phone, server) = listOf(Engine.open(freshFile()), Engine.open(freshFile()))
    val id = fresh(phone)
    live(phone, id, 1..3)
    val head = phone.book(id, ANNA).history().verify().head
    assertEquals(Copied(commits = 4, hash = head, seq = 4), phone.copyBook(id, server))
    assertEquals(0, phone.copyBook(id, server).commits)
    assertEquals(history(phone, id), history(server, id))
    live(server, id, 1..5)
    assertEquals(2, server.copyBook(id, phone).commits)
    assertEquals(history(phone, id), history(server, id))
    phone.book(id, ANNA).accounts().create(NewAccount(name = "Cash"))
    server.book(id, ANNA).accounts().create(NewAccount(name = "Savings"))
    val parted = assertFailsWith<FiscaFlowException.Rejected> { phone.copyBook(id, server) }
    assertEquals(ErrorCode.ID_CONFLICT to "7", parted.code to parted.id)
    val malformed = assertFailsWith<FiscaFlowException.Rejected> { phone.copyBook("home", server) }
    assertEquals("book_id", malformed.field)
    phone.shutdown()
    server.shutdown()
}

private suspend fun inOrder() {
    val engine = Engine.open("memory:")
    val id = fresh(engine)
    live(engine, id, 1..30)
    val told = mutableListOf<Outgoing>()
    val relay = engine.relay("notes") { told += it }
    val round = relay.round()
    val expected = Round(emptyList(), told.size.toLong(), more = false, putOff = 0, setAside = 0, unavailable = null)
    assertEquals(expected, round)
    val events = engine.book(id, ANNA).events().list(HistoryQuery(limit = 500))
    assertEquals(events.map { Outgoing(id, it) }, told)
    assertEquals(0, engine.relay("notes") { told += it }.round().delivered)
    live(engine, id, 31..31)
    assertEquals(1, relay.round().delivered)
    assertEquals(told.size.toLong(), engine.relay("others") {}.round().delivered)
    val since = RelayOptions(since = Instant.now().plusSeconds(86_400))
    assertEquals(0, engine.relay("late", since) { told += it }.round().delivered)
    engine.shutdown()
}

private suspend fun refused() {
    val engine = Engine.open("memory:")
    val id = fresh(engine)
    live(engine, id, 1..2)
    val book = engine.book(id, ANNA)
    val ids = eventIds(book)
    val told = mutableListOf<String>()
    var thrown: Exception = IllegalArgumentException("Ann Doe")
    val relay = engine.relay("notes", RelayOptions(pauseSeconds = 0, tries = 3)) {
        if (it.event.id == ids[1]) throw thrown
        told += it.event.id
    }
    val rounds = (1..3).map { relay.round() }
    assertEquals(listOf(1L, 1L, 0L), rounds.map { it.putOff })
    assertEquals(listOf(0L, 0L, 1L), rounds.map { it.setAside })
    assertEquals(ids - ids[1], told)
    val aside = book.events().delivery(DeliveryQuery(sink = "notes")).setAside.single()
    assertEquals(Triple(ids[1], 3L, "the sink failed"), Triple(aside.id, aside.tries, aside.reason))
    thrown = Undelivered.Refused("the address is unknown")
    book.events().redeliver(Redelivery(sink = "notes", eventId = ids[1]))
    assertEquals(1, relay.round().setAside)
    val again = book.events().delivery(DeliveryQuery(sink = "notes")).setAside.single()
    assertEquals("the address is unknown", again.reason)
    engine.shutdown()
}

private suspend fun away() {
    val engine = Engine.open("memory:")
    val id = fresh(engine)
    val told = mutableListOf<String>()
    var thrown: Exception? = Undelivered.Unavailable("no network", 0)
    val relay = engine.relay("notes", RelayOptions(pauseSeconds = 0, tries = 1)) {
        thrown?.let { error -> throw error }
        told += it.event.id
    }
    repeat(3) {
        val round = relay.round()
        assertEquals(Triple(0L, 0L, "no network"), Triple(round.delivered, round.setAside, round.unavailable))
    }
    thrown = FiscaFlowException.Unavailable(ErrorCode.STORE_UNAVAILABLE, "busy", null, null, null)
    assertEquals("store_unavailable", relay.round().unavailable)
    thrown = null
    assertEquals(1, relay.round().delivered)
    assertEquals(eventIds(engine.book(id, ANNA)), told)
    engine.shutdown()
}

private suspend fun noRelay() {
    val engine = Engine.open("memory:")
    for ((options, field) in listOf(RelayOptions(tries = 0) to "tries", RelayOptions(batch = -1) to "batch")) {
        val error = assertFailsWith<FiscaFlowException.Rejected> { engine.relay("notes", options) {} }
        assertEquals(ErrorCode.INVALID_INPUT to field, error.code to error.field)
    }
    assertFailsWith<FiscaFlowException.Rejected> { engine.relay("") {} }
    assertFailsWith<FiscaFlowException.Rejected> { Inbox("", "anna") }
    engine.shutdown()
    val error = assertFailsWith<FiscaFlowException.Unavailable> { engine.relay("notes") {}.round() }
    assertEquals(ErrorCode.CLOSED, error.code)
}

private suspend fun once() {
    val engine = Engine.open("memory:")
    val id = fresh(engine)
    live(engine, id, 1..2)
    val book = engine.book(id, ANNA)
    val inbox = Inbox("names", "anna")
    val tell: suspend (Outgoing) -> Unit = {
        if (it.event.name.startsWith("ledger.account.")) {
            val made = inbox.once(engine, it) { book -> book.categories().create(NewCategory(name = it.event.id)) }
            assertNotNull(made)
        }
    }
    assertEquals(0, engine.relay("one", tell = tell).round().putOff)
    assertEquals(0, engine.relay("two", tell = tell).round().putOff)
    assertEquals(2, book.categories().list().size)
    val seen = Outgoing(id, book.events().list(HistoryQuery(limit = 500)).first { it.name.startsWith("ledger.account.") })
    assertNull(inbox.once(engine, seen) { book -> book.categories().create(NewCategory(name = "Other")) })
    val stranger = assertFailsWith<FiscaFlowException.Rejected> { Inbox("names", "zoe").once(engine, seen) { book -> book.get() } }
    assertEquals(ErrorCode.BOOK_NOT_FOUND, stranger.code)
    engine.shutdown()
}

private suspend fun postgres(url: String) {
    val (server, phone) = listOf(Engine.open(url), Engine.open("memory:"))
    val id = fresh(phone)
    live(phone, id, 1..3)
    assertEquals(4, phone.copyBook(id, server).commits)
    live(server, id, 1..5)
    assertEquals(2, server.copyBook(id, phone).commits)
    assertEquals(history(phone, id), history(server, id))
    val folder = Files.createTempDirectory("fiscaflow").toFile()
    server.backup("$folder/backup")
    restore("$folder/backup", url)
    live(server, id, 6..6)
    val ahead = assertFailsWith<FiscaFlowException.Rejected> { restore("$folder/backup", url) }
    assertEquals(ErrorCode.ID_CONFLICT to id, ahead.code to ahead.id)
    folder.deleteRecursively()
    phone.shutdown()
    server.shutdown()
}
