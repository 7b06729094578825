// Sends an order and a wrong one to Shopalytic, prints the verdicts, and asks for the day's sales.
// kotlinc Shop.kt -include-runtime -d shop.jar && java -jar shop.jar (Kotlin 1.9 and Java 17, nothing else)

import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse
import java.time.Duration
import java.time.Instant
import java.time.temporal.ChronoUnit
import java.util.UUID

private val http = HttpClient.newHttpClient()

/** Sends one call of the contract as JSON and gives its answer. */
fun call(method: String, key: String, json: String): String {
    val request = HttpRequest.newBuilder(URI.create(System.getenv("SHOPALYTIC_URL") + "/shopalytic.v1." + method))
        .timeout(Duration.ofSeconds(15))
        .header("Content-Type", "application/json")
        .header("Authorization", "Bearer $key")
        .POST(HttpRequest.BodyPublishers.ofString(json))
        .build()
    // Sending the same events again, after a failure or Retry-After, is safe: they keep their ids.
    val answer = http.send(request, HttpResponse.BodyHandlers.ofString())
    check(answer.statusCode() == 200) { "${answer.statusCode()} ${answer.body()}" }
    return answer.body()
}

fun order(id: String, total: String) = """
    {"eventId": "${UUID.randomUUID()}", "occurredAt": "${Instant.now()}", "identity": "ada@shop.example",
     "order": {"orderId": "$id", "total": "$total", "subtotal": "9.99", "currency": "EUR",
               "lineItems": [{"sku": "MUG-1", "price": "9.99", "qty": 1}]}}
"""

fun main() {
    val events = """{"events": [${order("kotlin-1", "9.99")}, ${order("kotlin-2", "cheap")}]}"""
    println(call("CollectorService/Track", System.getenv("SHOPALYTIC_KEY"), events))
    val day = Instant.now().truncatedTo(ChronoUnit.DAYS)
    val scope = """{"scope": {"from": "$day", "to": "${day.plus(1, ChronoUnit.DAYS)}", "currency": "EUR"}}"""
    println(call("ReportService/GetSalesReport", System.getenv("SHOPALYTIC_REPORTS_KEY"), scope))
}
