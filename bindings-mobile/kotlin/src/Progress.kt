// The progress of an import by a lambda.

package dev.fiscaflow

/** Import a bank's file; [onProgress] hears how far it is, in the coroutine that waits for it. */
suspend fun Imports.create(new: NewImport, onProgress: (ImportProgress) -> Unit): ImportReport =
    create(new, Listener(onProgress))

/** What importing a bank's file would do; nothing is written. [onProgress] hears how far it is. */
suspend fun Imports.preview(new: NewImport, onProgress: (ImportProgress) -> Unit): ImportPreview =
    preview(new, Listener(onProgress))

private class Listener(private val hear: (ImportProgress) -> Unit) : ProgressListener {
    override fun onProgress(progress: ImportProgress) = hear(progress)
}
