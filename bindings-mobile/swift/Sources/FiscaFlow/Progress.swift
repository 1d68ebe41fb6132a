// The progress of an import by a closure.

extension Imports {
    /// Import a bank's file; `onProgress` hears how far it is.
    public func create(
        new: NewImport, onProgress: @escaping @Sendable (ImportProgress) -> Void
    ) async throws -> ImportReport {
        try await create(new: new, listener: Listener(onProgress))
    }

    /// What importing a bank's file would do; nothing is written. `onProgress` hears how far it is.
    public func preview(
        new: NewImport, onProgress: @escaping @Sendable (ImportProgress) -> Void
    ) async throws -> ImportPreview {
        try await preview(new: new, listener: Listener(onProgress))
    }
}

private final class Listener: ProgressListener {
    private let hear: @Sendable (ImportProgress) -> Void

    init(_ hear: @escaping @Sendable (ImportProgress) -> Void) {
        self.hear = hear
    }

    func onProgress(progress: ImportProgress) {
        hear(progress)
    }
}
