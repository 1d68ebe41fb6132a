// Events to a lambda, and effects that happen once.

package dev.fiscaflow

/**
 * What delivers the events of all books to a lambda: each book's in order, at least once. It takes
 * an event by returning; what it throws refuses the event, an [Undelivered] says more, and an engine
 * that is unavailable means that no event is taken now.
 */
fun Engine.relay(name: String, options: RelayOptions? = null, tell: suspend (Outgoing) -> Unit): Relay =
    relay(name, Sink(tell), options)

private class Sink(private val hear: suspend (Outgoing) -> Unit) : EventSink {
    override suspend fun tell(outgoing: Outgoing) = try {
        hear(outgoing)
    } catch (e: FiscaFlowException.Unavailable) {
        throw Undelivered.Unavailable(e.code.name.lowercase(), null)
    }
}

/**
 * Does what an event calls for, one write on its book, unless it was done before. The answer is the
 * first one; `null` where the first time something else was written.
 */
suspend fun <T : Any> Inbox.once(engine: Engine, outgoing: Outgoing, effect: suspend (BookHandle) -> T): T? = try {
    effect(engine.book(outgoing.bookId, context(outgoing)))
} catch (e: FiscaFlowException.Rejected) {
    if (e.code != ErrorCode.IDEMPOTENCY_KEY_REUSED) throw e
    null
}
