// Sends an order and a wrong one to Shopalytic, prints the verdicts, and asks for the day's sales.
// dotnet run Shop.cs (.NET 10; before it `dotnet new console` and this file as Program.cs), nothing else

using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

var http = new HttpClient { Timeout = TimeSpan.FromSeconds(15) };

// Sends one call of the contract as JSON and gives its answer.
async Task<JsonElement> Call(string method, string key, object request)
{
    var url = Environment.GetEnvironmentVariable("SHOPALYTIC_URL") + "/shopalytic.v1." + method;
    using var post = new HttpRequestMessage(HttpMethod.Post, url);
    post.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
    post.Content = new StringContent(JsonSerializer.Serialize(request), Encoding.UTF8, "application/json");
    // Sending the same events again, after a failure or Retry-After, is safe: they keep their ids.
    using var answer = await http.SendAsync(post);
    var text = await answer.Content.ReadAsStringAsync();
    if (!answer.IsSuccessStatusCode) throw new InvalidOperationException($"{(int)answer.StatusCode} {text}");
    return JsonDocument.Parse(text).RootElement;
}

object Order(string id, string total) => new
{
    eventId = Guid.NewGuid(),
    occurredAt = DateTime.UtcNow,
    identity = "ada@shop.example",
    // Money is text: no float has cents.
    order = new
    {
        orderId = id, total, subtotal = "9.99", currency = "EUR",
        lineItems = new[] { new { sku = "MUG-1", price = "9.99", qty = 1 } },
    },
};

string Key(string name) => Environment.GetEnvironmentVariable(name)!;

var events = new { events = new[] { Order("csharp-1", "9.99"), Order("csharp-2", "cheap") } };
var verdicts = await Call("CollectorService/Track", Key("SHOPALYTIC_KEY"), events);
foreach (var result in verdicts.GetProperty("results").EnumerateArray()) Console.WriteLine(result);
var day = DateTime.UtcNow.Date;
var scope = new { scope = new { from = day, to = day.AddDays(1), currency = "EUR" } };
Console.WriteLine(await Call("ReportService/GetSalesReport", Key("SHOPALYTIC_REPORTS_KEY"), scope));
