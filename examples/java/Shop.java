// Sends an order and a wrong one to Shopalytic, prints the verdicts, and asks for the day's sales.
// java Shop.java (Java 17 or later, nothing else)

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.UUID;

class Shop {
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  /** Sends one call of the contract as JSON and gives its answer. */
  static String call(String method, String key, String json) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(System.getenv("SHOPALYTIC_URL") + "/shopalytic.v1." + method))
            .timeout(Duration.ofSeconds(15))
            .header("Content-Type", "application/json")
            .header("Authorization", "Bearer " + key)
            .POST(HttpRequest.BodyPublishers.ofString(json))
            .build();
    // Sending the same events again, after a failure or Retry-After, is safe: they keep their ids.
    HttpResponse<String> answer = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
    if (answer.statusCode() != 200) {
      throw new IllegalStateException(answer.statusCode() + " " + answer.body());
    }
    return answer.body();
  }

  static String order(String id, String total) {
    return """
        {"eventId": "%s", "occurredAt": "%s", "identity": "ada@shop.example",
         "order": {"orderId": "%s", "total": "%s", "subtotal": "9.99", "currency": "EUR",
                   "lineItems": [{"sku": "MUG-1", "price": "9.99", "qty": 1}]}}
        """
        .formatted(UUID.randomUUID(), Instant.now(), id, total);
  }

  public static void main(String[] arguments) throws Exception {
    String events = "{\"events\": [%s, %s]}".formatted(order("java-1", "9.99"), order("java-2", "cheap"));
    System.out.println(call("CollectorService/Track", System.getenv("SHOPALYTIC_KEY"), events));
    Instant day = Instant.now().truncatedTo(ChronoUnit.DAYS);
    String scope =
        "{\"scope\": {\"from\": \"%s\", \"to\": \"%s\", \"currency\": \"EUR\"}}"
            .formatted(day, day.plus(1, ChronoUnit.DAYS));
    System.out.println(call("ReportService/GetSalesReport", System.getenv("SHOPALYTIC_REPORTS_KEY"), scope));
  }
}
