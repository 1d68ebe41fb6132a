// The verifier that needs no engine, over the proofs that all languages judge.

package dev.fiscaflow.tests

import dev.fiscaflow.verifier.checkConsistency
import dev.fiscaflow.verifier.checkInclusion
import dev.fiscaflow.verifier.parseCheckpoint
import java.util.Base64

private fun bytes(base64: String): ByteArray =
    if (base64 == ".") ByteArray(0) else Base64.getDecoder().decode(base64)

private fun path(cell: String, last: String?): ByteArray {
    val parts = cell.split(':')
    if (parts.size == 1) return bytes(cell)
    val before = bytes(checkNotNull(last))
    val (start, end) = parts.take(2).map(String::toInt)
    return before.copyOf(start) + bytes(parts[2]) + before.copyOfRange(end, before.size)
}

/** What is wrong with the verdicts of the verifier over the shared file. */
private fun judge(): Map<String, Int> {
    val good = mutableMapOf<String, List<String>>()
    val counts = mutableMapOf<String, Int>()
    for (line in ROOT.resolve("verifiers/vectors.txt").readLines()) {
        if (line.startsWith('#')) continue
        val cells = line.split(' ')
        val last = good[cells[0]]
        val cell = { at: Int -> if (cells[at] == "=") last!![at] else cells[at] }
        val path = path(cell(6), last?.get(6)).toList().chunked(32) { it.toByteArray() }
        val (size, root) = Pair(cell(4).toULong(), bytes(cell(5)))
        val said = if (cells[0] == "i") {
            checkInclusion(bytes(cell(2)), cell(3).toULong(), size, path, root)
        } else {
            checkConsistency(cell(2).toULong(), bytes(cell(3)), size, root, path)
        }
        check(said == (cells[1] == "+")) { line }
        counts.merge(cells[1], 1, Int::plus)
        if (said) good[cells[0]] = cells
    }
    return counts
}

internal fun verifierTests() = listOf(
    Test("the verifier judges every proof of the shared file") {
        val counts = judge()
        check(counts.values.sum() == 10_000 && counts.getValue("+") > 800) { counts }
    },
    Test("the verifier reads checkpoints and refuses what is none") {
        val root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
        val text = "example.com/log\n3\n$root\n"
        val signed = "$text\n\u2014 example.com/log AAAAAQID\n"
        check(parseCheckpoint(text)?.size == 3uL)
        check(parseCheckpoint(signed)?.signatures?.single()?.keyName == "example.com/log")
        val none = listOf("", "o\n03\n$root\n", "o\n3\n$root", "o\n3\nAAAA\n", signed.dropLast(1))
        none.forEach { check(parseCheckpoint(it) == null) { it } }
    },
)
