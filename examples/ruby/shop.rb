# Sends an order and a wrong one to Shopalytic, prints the verdicts, and asks for the day's sales.
# ruby shop.rb (Ruby 3, nothing else)

require "json"
require "net/http"
require "securerandom"
require "time"

# Sends one call of the contract as JSON and gives its answer.
def call(method, key, request)
  uri = URI("#{ENV.fetch("SHOPALYTIC_URL")}/shopalytic.v1.#{method}")
  headers = { "content-type" => "application/json", "authorization" => "Bearer #{key}" }
  # Sending the same events again, after a failure or Retry-After, is safe: they keep their ids.
  answer = Net::HTTP.post(uri, JSON.generate(request), headers)
  raise "#{answer.code} #{answer.body}" unless answer.code == "200"

  JSON.parse(answer.body)
end

def order(id, total)
  {
    eventId: SecureRandom.uuid,
    occurredAt: Time.now.utc.iso8601(3),
    identity: "ada@shop.example",
    order: {
      orderId: id,
      total: total, # money is text: no float has cents
      subtotal: "9.99",
      currency: "EUR",
      lineItems: [{ sku: "MUG-1", price: "9.99", qty: 1 }],
    },
  }
end

events = [order("ruby-1", "9.99"), order("ruby-2", "cheap")]
call("CollectorService/Track", ENV.fetch("SHOPALYTIC_KEY"), { events: events })["results"].each do |result|
  puts "#{result["status"]} #{JSON.generate(result["violations"] || [])}"
end
now = Time.now.utc
day = Time.utc(now.year, now.month, now.day)
scope = { from: day.iso8601, to: (day + 86_400).iso8601, currency: "EUR" }
puts JSON.generate(call("ReportService/GetSalesReport", ENV.fetch("SHOPALYTIC_REPORTS_KEY"), { scope: scope }))
