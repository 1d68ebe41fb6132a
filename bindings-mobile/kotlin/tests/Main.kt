// Runs every test and prints how many passed: `N passed, N failed`.

package dev.fiscaflow.tests

import kotlinx.coroutines.runBlocking
import java.io.File
import java.nio.file.Files
import kotlin.system.exitProcess

/** The root of the repository. */
internal val ROOT = File(System.getenv("FISCAFLOW_ROOT") ?: ".")

/** A test: a name and what must not throw. */
internal class Test(val name: String, val run: suspend () -> Unit)

/** The URL of a fresh database in a file. */
internal fun freshFile(): String {
    val folder = Files.createTempDirectory("fiscaflow").toFile()
    Runtime.getRuntime().addShutdownHook(Thread { folder.deleteRecursively() })
    return "sqlite:$folder/books.sqlite"
}

fun main() {
    val tests = scenarioTests() + checks() + verifierTests() + deliveryTests()
    val failed = tests.filterNot { test ->
        val problem = runCatching { runBlocking { test.run() } }.exceptionOrNull()
        println("${if (problem == null) "ok    " else "FAILED"} ${test.name}")
        problem?.printStackTrace()
        problem == null
    }
    println("${tests.size - failed.size} passed, ${failed.size} failed")
    exitProcess(if (failed.isEmpty()) 0 else 1)
}
