// Runs the scenarios: see scenarios/README.md for their format.

package dev.fiscaflow.tests

import dev.fiscaflow.*
import java.io.File

/** One call of a verb, by names. */
internal class Call(
    val verb: String,
    val book: String?,
    val context: CallContext,
    private val id: String?,
    val request: Any?,
) {
    fun id(): String = id ?: throw Inexpressible("`id` is missing")
}

/** The scenarios' files, by name. */
internal fun scenarios(folder: File): Map<String, Any?> {
    val golden = setOf("error-codes.json", "verbs.json")
    val files = folder.listFiles { file -> file.extension == "json" && file.name !in golden }
    return files.orEmpty().sorted().associate { it.name to parseJson(it.readText()) }
}

/** Runs a scenario; throws where something differs. */
internal suspend fun runScenario(scenario: Any?, engine: Engine) {
    val members = Given(scenario, "name", "about", "steps")
    val saved = mutableMapOf<String, Any?>()
    for ((place, step) in (members["steps"] as List<*>).withIndex()) {
        try {
            Step(step, saved).run(engine)
        } catch (e: Exception) {
            throw AssertionError("step ${place + 1} (${(step as Map<*, *>)["verb"]}): ${e.message ?: e}", e)
        }
    }
}

/** An object with no other members than those that the format knows. */
private class Given(json: Any?, vararg known: String) {
    private val members = json as Map<*, *>

    init {
        check(known.toSet().containsAll(members.keys)) { "unknown members ${members.keys - known.toSet()}" }
    }

    operator fun get(name: String): Any? = members[name]

    operator fun contains(name: String): Boolean = name in members
}

private class Step(json: Any?, private val saved: MutableMap<String, Any?>) {
    private val given =
        Given(json, "verb", "actor", "book", "id", "request", "context", "content", "expect", "error", "save")

    suspend fun run(engine: Engine) {
        val wanted = given["error"]
        val answer = try {
            dispatch(engine, call())
        } catch (e: FiscaFlowException) {
            if (wanted == null) throw e
            return judge(e, wanted)
        } catch (e: Inexpressible) {
            // What no caller can write must be refused where it can be written.
            val error = wanted as? Map<*, *> ?: throw e
            check(error["lane"] == "rejected" && error["code"].toString().startsWith("invalid_")) { e.message!! }
            return
        }
        check(wanted == null) { "answered, but $wanted was to come" }
        for ((name, path) in given["save"] as? Map<*, *> ?: emptyMap<Any, Any>()) {
            saved[name as String] = checkNotNull(part(answer, path as String)) { "the answer has no `$path`" }
        }
        if ("expect" in given) compare(fill(given["expect"]), answer, "")
    }

    private fun call(): Call {
        val content = given["content"]?.let { mapOf("content" to (fill(it) as String).toByteArray()) }
        val request = fill(given["request"])
        val context = fill(given["context"]) as? Map<*, *> ?: emptyMap<String, Any?>()
        return Call(
            verb = given["verb"] as String,
            book = fill(given["book"]) as String?,
            context = readCallContext(context + ("actor" to fill(given["actor"]))),
            id = fill(given["id"]) as String?,
            request = content?.let { (request as? Map<*, *> ?: emptyMap<String, Any?>()) + it } ?: request,
        )
    }

    private fun fill(value: Any?): Any? = when (value) {
        is Map<*, *> -> value.mapValues { fill(it.value) }
        is List<*> -> value.map { fill(it) }
        is String -> WHOLE.matchEntire(value)?.let { get(it.groupValues[1]) }
            ?: INSIDE.replace(value) { get(it.groupValues[1]).toString() }
        else -> value
    }

    private fun get(name: String): Any? {
        check(name in saved) { "nothing was saved as `$name`" }
        return saved[name]
    }
}

private val WHOLE = Regex("""\$([A-Za-z_][A-Za-z0-9_]*)""")
private val INSIDE = Regex("""\$\{([A-Za-z_][A-Za-z0-9_]*)}""")

private fun judge(error: FiscaFlowException, wanted: Any?) {
    val given = Given(wanted, "code", "lane", "field", "line")
    val found = mapOf(
        "code" to error.code.name.lowercase(),
        "lane" to error.lane.name.lowercase(),
        "field" to error.field,
        "line" to error.line,
    )
    for ((name, value) in found) {
        check(name !in given || given[name] == value) { "refused with $found, not with $wanted" }
    }
}

/** The part of an answer at a path such as `items.0.id`; the empty path is the answer itself. */
private fun part(answer: Any?, path: String): Any? =
    path.split('.').filter { it.isNotEmpty() }.fold(answer) { value, step ->
        when (value) {
            is List<*> -> step.toIntOrNull()?.let(value::getOrNull)
            is Map<*, *> -> value[step]
            else -> null
        }
    }

/** Throws unless an answer looks as expected. */
private fun compare(expect: Any?, answer: Any?, path: String) {
    val only = (expect as? Map<*, *>)?.entries?.singleOrNull()
    val same = when {
        expect == "<any>" -> answer != null
        only?.key == "<length>" -> (answer as? List<*>)?.size?.toLong() == only.value
        only?.key == "<contains>" -> answer is List<*> &&
            (only.value as List<*>).all { wanted -> answer.any { matches(wanted, it) } }
        expect is Map<*, *> -> answer is Map<*, *> && expect.all { (name, wanted) ->
            compare(wanted, answer[name], "$path.$name")
            true
        }
        expect is List<*> -> answer is List<*> && answer.size == expect.size && expect.indices.all {
            compare(expect[it], answer[it], "$path.$it")
            true
        }
        else -> expect == answer
    }
    check(same) { "the answer${if (path.isEmpty()) "" else "'s ${path.drop(1)}"} is $answer, not $expect" }
}

private fun matches(expect: Any?, answer: Any?): Boolean =
    try {
        compare(expect, answer, "")
        true
    } catch (_: IllegalStateException) {
        false
    }
