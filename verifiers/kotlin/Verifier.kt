// Checks proofs of a FiscaFlow book's history without the engine: the JVM, or Android, is enough.
//
// A book's commits are the leaves of a Merkle tree (RFC 9162, section 2.1). A checkpoint names the
// tree of one moment: its size and its root. A root is worth what the checkpoint is worth that it
// comes from: one that the checker kept, or one that is signed by a key that it trusts. A root that
// came with the proof proves nothing. docs/proofs.md of FiscaFlow tells the rest.

package dev.fiscaflow.verifier

import java.security.MessageDigest
import java.util.Base64

private const val HASH_BYTES = 32

/** The hash of a leaf, whose bytes are a commit's header as it is stored. */
fun leafHash(leaf: ByteArray): ByteArray = sha256(byteArrayOf(0), leaf)

/** The hash of a node, of those of its two children. */
fun nodeHash(left: ByteArray, right: ByteArray): ByteArray = sha256(byteArrayOf(1), left, right)

private fun sha256(vararg parts: ByteArray): ByteArray {
    val digest = MessageDigest.getInstance("SHA-256")
    parts.forEach(digest::update)
    return digest.digest()
}

/**
 * Whether the leaf with that hash is the one of that index, from 0, in the tree of that size and
 * root (RFC 9162, section 2.1.3.2).
 */
fun checkInclusion(
    leaf: ByteArray,
    index: ULong,
    size: ULong,
    path: List<ByteArray>,
    root: ByteArray,
): Boolean {
    if (index >= size || !(path + leaf + root).all { it.size == HASH_BYTES }) return false
    val place = Place(index, size - 1u)
    var found = leaf
    for (neighbour in path) {
        if (place.last == 0uL) return false
        found = if (place.isRight()) nodeHash(neighbour, found) else nodeHash(found, neighbour)
        place.climb()
    }
    return place.last == 0uL && found.contentEquals(root)
}

/**
 * Whether the tree of size [newSize] begins with the one of size [oldSize], which is not 0 (RFC
 * 9162, section 2.1.4.2).
 */
fun checkConsistency(
    oldSize: ULong,
    oldRoot: ByteArray,
    newSize: ULong,
    newRoot: ByteArray,
    path: List<ByteArray>,
): Boolean {
    if (oldSize == 0uL || oldSize > newSize) return false
    if (!(path + oldRoot + newRoot).all { it.size == HASH_BYTES }) return false
    if (oldSize == newSize) return path.isEmpty() && oldRoot.contentEquals(newRoot)
    if (path.isEmpty()) return false
    // Where the old tree is complete it is a node of the new one, and its root is the first hash.
    val whole = oldSize and (oldSize - 1u) == 0uL
    val first = if (whole) oldRoot else path.first()
    val place = Place(oldSize - 1u, newSize - 1u)
    while (place.node and 1u == 1uL) place.up()
    var older = first
    var newer = first
    for (neighbour in if (whole) path else path.drop(1)) {
        if (place.last == 0uL) return false
        if (place.isRight()) {
            older = nodeHash(neighbour, older)
            newer = nodeHash(neighbour, newer)
        } else {
            newer = nodeHash(newer, neighbour)
        }
        place.climb()
    }
    return place.last == 0uL && older.contentEquals(oldRoot) && newer.contentEquals(newRoot)
}

/** A node of a level and the level's last one. */
private class Place(var node: ULong, var last: ULong) {
    /** Whether its neighbour is on its left; the last node of a level has none on its right. */
    fun isRight() = node and 1u == 1uL || node == last

    /** To its parent that has a neighbour: a last node without one stands for itself above. */
    fun climb() {
        if (isRight()) while (node and 1u == 0uL && node != 0uL) up()
        up()
    }

    fun up() {
        node = node shr 1
        last = last shr 1
    }
}

/** One signature of a note. */
class NoteSignature(val keyName: String, val keyId: ByteArray, val signature: ByteArray)

/**
 * The tree of one moment (C2SP `tlog-checkpoint`): [text] is what is signed. Whether a signature is
 * good is for whoever knows the key.
 */
class Checkpoint(
    val origin: String,
    val size: ULong,
    val root: ByteArray,
    val text: String,
    val signatures: List<NoteSignature>,
)

/** Reads a checkpoint, signed or not; `null` for what is none. */
fun parseCheckpoint(note: String): Checkpoint? {
    val end = note.lastIndexOf("\n\n") + 1
    val text = if (end > 0) note.substring(0, end) else note
    if (note.any { it < ' ' && it != '\n' } || !text.endsWith('\n')) return null
    val signatures = if (end == 0) listOf() else readSignatures(note.substring(end + 1)) ?: return null
    val lines = text.dropLast(1).split('\n')
    if (lines.size < 3 || lines.any(String::isEmpty)) return null
    val size = lines[1].toULongOrNull() ?: return null
    val root = fromBase64(lines[2]) ?: return null
    if (size.toString() != lines[1] || root.size != HASH_BYTES) return null
    return Checkpoint(lines[0], size, root, text, signatures)
}

/** By what an Ed25519 key is told from others of its name (C2SP `signed-note`). */
fun keyId(keyName: String, publicKey: ByteArray): ByteArray =
    sha256("$keyName\n".toByteArray(), byteArrayOf(1), publicKey).copyOf(4)

private fun readSignatures(lines: String): List<NoteSignature>? {
    if (!lines.endsWith('\n')) return null
    val read = lines.dropLast(1).split('\n').map { line ->
        val cells = line.split(' ')
        if (cells.size != 3 || cells[0] != "\u2014") return null
        if (cells[1].isEmpty() || cells[1].any { it.isWhitespace() || it == '+' }) return null
        val bytes = fromBase64(cells[2])?.takeIf { it.size > 4 } ?: return null
        NoteSignature(cells[1], bytes.copyOf(4), bytes.copyOfRange(4, bytes.size))
    }
    return read.takeIf { it.size <= 100 }
}

/** Base64 in its one canonical form. */
private fun fromBase64(text: String): ByteArray? {
    val bytes = runCatching { Base64.getDecoder().decode(text) }.getOrNull() ?: return null
    return bytes.takeIf { Base64.getEncoder().encodeToString(it) == text }
}
