// Sends an order and a wrong one to Shopalytic, prints the verdicts, and asks for the day's sales.
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"
)

type object = map[string]any

// call sends one call of the contract as JSON and reads its answer.
func call(method, key string, request object) (object, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	post, err := http.NewRequest("POST", os.Getenv("SHOPALYTIC_URL")+"/shopalytic.v1."+method, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	post.Header.Set("Content-Type", "application/json")
	post.Header.Set("Authorization", "Bearer "+key)
	client := http.Client{Timeout: 15 * time.Second}
	answer, err := client.Do(post)
	if err != nil {
		return nil, err // sending the same events again is safe: they keep their ids
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s (come back after %s seconds)", text, answer.Header.Get("Retry-After"))
	}
	var value object
	return value, json.Unmarshal(text, &value)
}

func uuid() string {
	b := make([]byte, 16)
	rand.Read(b)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func order(id, total string) object {
	line := object{"sku": "MUG-1", "price": "9.99", "qty": 1}
	return object{
		"eventId": uuid(), "occurredAt": time.Now().UTC().Format(time.RFC3339Nano), "identity": "ada@shop.example",
		"order": object{"orderId": id, "total": total, "subtotal": "9.99", "lineItems": []object{line}, "currency": "EUR"},
	}
}

func main() {
	answer, err := call("CollectorService/Track", os.Getenv("SHOPALYTIC_KEY"), object{
		"events": []object{order("go-1", "9.99"), order("go-2", "cheap")},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, each := range answer["results"].([]any) {
		result := each.(object)
		fmt.Println(result["status"], result["violations"])
	}
	day := time.Now().UTC().Truncate(24 * time.Hour)
	report, err := call("ReportService/GetSalesReport", os.Getenv("SHOPALYTIC_REPORTS_KEY"), object{
		"scope": object{"from": day.Format(time.RFC3339), "to": day.Add(24 * time.Hour).Format(time.RFC3339), "currency": "EUR"},
	})
	if err != nil {
		log.Fatal(err)
	}
	text, _ := json.Marshal(report)
	fmt.Println(string(text))
}
