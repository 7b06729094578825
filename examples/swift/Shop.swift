// Sends an order and a wrong one to Shopalytic, prints the verdicts, and asks for the day's sales.
// swiftc -parse-as-library Shop.swift && ./Shop (Swift 5.9 or later, nothing else)

import Foundation
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

struct Refused: Error { let reason: String }

let environment = ProcessInfo.processInfo.environment

/// Sends one call of the contract as JSON and gives its answer.
func call(_ method: String, key: String, _ request: [String: Any]) async throws -> [String: Any] {
    var post = URLRequest(url: URL(string: environment["SHOPALYTIC_URL"]! + "/shopalytic.v1." + method)!)
    post.httpMethod = "POST"
    post.timeoutInterval = 15
    post.setValue("application/json", forHTTPHeaderField: "Content-Type")
    post.setValue("Bearer " + environment[key]!, forHTTPHeaderField: "Authorization")
    post.httpBody = try JSONSerialization.data(withJSONObject: request)
    // Sending the same events again, after a failure or Retry-After, is safe: they keep their ids.
    let (data, answer) = try await URLSession.shared.data(for: post)
    guard (answer as? HTTPURLResponse)?.statusCode == 200 else {
        throw Refused(reason: String(decoding: data, as: UTF8.self))
    }
    return try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
}

func order(_ id: String, total: String) -> [String: Any] {
    // Money is text: no float has cents.
    let content: [String: Any] = [
        "orderId": id, "total": total, "subtotal": "9.99", "currency": "EUR",
        "lineItems": [["sku": "MUG-1", "price": "9.99", "qty": 1] as [String: Any]],
    ]
    return [
        "eventId": UUID().uuidString, "occurredAt": ISO8601DateFormatter().string(from: Date()),
        "identity": "ada@shop.example", "order": content,
    ]
}

@main
struct Shop {
    static func main() async throws {
        let events = [order("swift-1", total: "9.99"), order("swift-2", total: "cheap")]
        let verdicts = try await call("CollectorService/Track", key: "SHOPALYTIC_KEY", ["events": events])
        for case let result as [String: Any] in verdicts["results"] as? [Any] ?? [] {
            print(result["status"] ?? "", result["violations"] ?? "")
        }
        let day = Date(timeIntervalSince1970: (Date().timeIntervalSince1970 / 86_400).rounded(.down) * 86_400)
        let form = ISO8601DateFormatter()
        let scope = ["from": form.string(from: day), "to": form.string(from: day + 86_400), "currency": "EUR"]
        print(try await call("ReportService/GetSalesReport", key: "SHOPALYTIC_REPORTS_KEY", ["scope": scope]))
    }
}
