<?php
// Sends an order and a wrong one to Shopalytic, prints the verdicts, and asks for the day's sales.
// php shop.php (PHP 8, nothing else)

/** Sends one call of the contract as JSON and gives its answer. */
function call(string $method, string $key, array $request): array
{
    $context = stream_context_create(['http' => [
        'method' => 'POST',
        'header' => "Content-Type: application/json\r\nAuthorization: Bearer $key\r\n",
        'content' => json_encode($request, JSON_THROW_ON_ERROR),
        'timeout' => 15,
        'ignore_errors' => true, // so that a refusal's reason can be read
    ]]);
    // Sending the same events again, after a failure or Retry-After, is safe: they keep their ids.
    $text = file_get_contents(getenv('SHOPALYTIC_URL') . "/shopalytic.v1.$method", false, $context);
    if ($text === false || !str_contains($http_response_header[0], ' 200 ')) {
        throw new RuntimeException($text ?: 'There was no answer.');
    }
    return json_decode($text, true, 512, JSON_THROW_ON_ERROR);
}

function uuid(): string
{
    $bytes = random_bytes(16);
    $bytes[6] = chr(ord($bytes[6]) & 0x0f | 0x40);
    $bytes[8] = chr(ord($bytes[8]) & 0x3f | 0x80);
    return vsprintf('%s%s-%s-%s-%s-%s%s%s', str_split(bin2hex($bytes), 4));
}

function order(string $id, string $total): array
{
    return [
        'eventId' => uuid(),
        'occurredAt' => gmdate('Y-m-d\TH:i:s\Z'),
        'identity' => 'ada@shop.example',
        'order' => [
            'orderId' => $id,
            'total' => $total, // money is text: no float has cents
            'subtotal' => '9.99',
            'currency' => 'EUR',
            'lineItems' => [['sku' => 'MUG-1', 'price' => '9.99', 'qty' => 1]],
        ],
    ];
}

$events = [order('php-1', '9.99'), order('php-2', 'cheap')];
$answer = call('CollectorService/Track', getenv('SHOPALYTIC_KEY'), ['events' => $events]);
foreach ($answer['results'] as $result) {
    echo $result['status'], ' ', json_encode($result['violations'] ?? []), "\n";
}
$day = gmdate('Y-m-d\T00:00:00\Z');
$scope = ['from' => $day, 'to' => gmdate('Y-m-d\T00:00:00\Z', strtotime("$day +1 day")), 'currency' => 'EUR'];
echo json_encode(call('ReportService/GetSalesReport', getenv('SHOPALYTIC_REPORTS_KEY'), ['scope' => $scope])), "\n";
