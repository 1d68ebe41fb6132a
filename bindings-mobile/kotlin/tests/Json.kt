// JSON as the standard library can say it: maps, lists, texts, longs, decimals, booleans and null.

package dev.fiscaflow.tests

import java.math.BigDecimal

/** Reads a JSON text (RFC 8259). */
fun parseJson(text: String): Any? = JsonParser(text).whole()

private class JsonParser(private val text: String) {
    private var at = 0

    fun whole(): Any? {
        val value = value()
        check(peek() == null) { "something follows the value at $at" }
        return value
    }

    private fun value(): Any? = when (val next = peek()) {
        '{' -> members()
        '[' -> items()
        '"' -> string()
        't' -> word("true", true)
        'f' -> word("false", false)
        'n' -> word("null", null)
        else -> {
            check(next == '-' || next?.isDigit() == true) { "no value at $at" }
            number()
        }
    }

    /** The next character that is no blank, which is not taken yet. */
    private fun peek(): Char? {
        while (at < text.length && text[at] in " \t\r\n") at++
        return text.getOrNull(at)
    }

    private fun take(wanted: Char) {
        check(peek() == wanted) { "no `$wanted` at $at" }
        at++
    }

    private fun members(): Map<String, Any?> {
        val members = linkedMapOf<String, Any?>()
        take('{')
        while (peek() != '}') {
            if (members.isNotEmpty()) take(',')
            check(peek() == '"') { "no name at $at" }
            val name = string()
            take(':')
            check(name !in members) { "`$name` stands twice" }
            members[name] = value()
        }
        take('}')
        return members
    }

    private fun items(): List<Any?> {
        val items = mutableListOf<Any?>()
        take('[')
        while (peek() != ']') {
            if (items.isNotEmpty()) take(',')
            items += value()
        }
        take(']')
        return items
    }

    private fun string(): String = buildString {
        take('"')
        while (text[at] != '"') {
            val next = text[at++]
            append(if (next == '\\') escaped() else next)
        }
        at++
    }

    private fun escaped(): Char = when (val next = text[at++]) {
        'n' -> '\n'
        't' -> '\t'
        'r' -> '\r'
        'b' -> '\b'
        'f' -> '\u000C'
        'u' -> text.substring(at, at + 4).toInt(16).toChar().also { at += 4 }
        else -> next
    }

    private fun number(): Any {
        val start = at
        while (at < text.length && text[at] in "+-.eE0123456789") at++
        val written = text.substring(start, at)
        return written.toLongOrNull() ?: BigDecimal(written)
    }

    private fun <T> word(word: String, value: T): T {
        check(text.startsWith(word, at)) { "no value at $at" }
        at += word.length
        return value
    }
}

/** What JSON says and no caller could write in Kotlin: the compiler refuses it. */
class Inexpressible(message: String) : Exception(message)

/** The members of an object, of which none may be unknown. */
internal class Members(json: Any?, vararg known: String) {
    private val members = (json ?: emptyMap<String, Any?>()) as? Map<*, *>
        ?: throw Inexpressible("no object")

    init {
        val unknown = members.keys - known.toSet()
        if (unknown.isNotEmpty()) throw Inexpressible("no member $unknown")
    }

    fun <T : Any> optional(name: String, read: (Any?) -> T): T? = members[name]?.let(read)

    fun <T : Any> required(name: String, read: (Any?) -> T): T =
        optional(name, read) ?: throw Inexpressible("`$name` is missing")
}

internal inline fun <reified T> a(json: Any?): T =
    json as? T ?: throw Inexpressible("not of type ${T::class.simpleName}")

internal fun text(json: Any?): String = a(json)

internal fun long(json: Any?): Long = a(json)

internal fun boolean(json: Any?): Boolean = a(json)

internal fun bytes(json: Any?): ByteArray = a(json)

internal fun tag(json: Any?, name: String): String = text(a<Map<*, *>>(json)[name])

internal fun <T> list(read: (Any?) -> T): (Any?) -> List<T> = { a<List<*>>(it).map(read) }

internal fun <T> map(read: (Any?) -> T): (Any?) -> Map<String, T> = {
    a<Map<*, *>>(it).entries.associate { (name, value) -> text(name) to read(value) }
}
