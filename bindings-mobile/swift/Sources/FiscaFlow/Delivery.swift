// Events to a closure, and effects that happen once.

extension Engine {
    /// What delivers the events of all books to a closure: each book's in order, at least once. It
    /// takes an event by returning; what it throws refuses the event, an `Undelivered` says more,
    /// and an engine that is unavailable means that no event is taken now.
    public func relay(
        name: String, options: RelayOptions? = nil, tell: @escaping @Sendable (Outgoing) async throws -> Void
    ) throws -> Relay {
        try relay(name: name, sink: Sink(tell), options: options)
    }
}

private final class Sink: EventSink {
    private let hear: @Sendable (Outgoing) async throws -> Void

    init(_ hear: @escaping @Sendable (Outgoing) async throws -> Void) {
        self.hear = hear
    }

    func tell(outgoing: Outgoing) async throws {
        do {
            try await hear(outgoing)
        } catch let error as FiscaFlowError where error.lane == .unavailable {
            throw Undelivered.Unavailable(message: "\(error.code)", retryAfterSeconds: nil)
        }
    }
}

extension Inbox {
    /// Does what an event calls for, one write on its book, unless it was done before. The answer
    /// is the first one; `nil` where the first time something else was written.
    public func once<T>(
        engine: Engine, outgoing: Outgoing, effect: (BookHandle) async throws -> T
    ) async throws -> T? {
        do {
            return try await effect(engine.book(id: outgoing.bookId, context: try context(outgoing: outgoing)))
        } catch let error as FiscaFlowError where error.code == .idempotencyKeyReused {
            return nil
        }
    }
}
