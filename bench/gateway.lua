-- wrk: GETs one of the workflows in the file that GATEWAY_IDS names (one id a line) after another, each thread of its own.
local ids, count = {}, 0

function init()
    for line in io.lines(os.getenv("GATEWAY_IDS")) do
        table.insert(ids, line)
    end
    headers = {["Authorization"] = "Bearer " .. os.getenv("GATEWAY_KEY"), ["Host"] = "127.0.0.1"}
    if os.getenv("GATEWAY_SOURCE") then
        headers["X-Archive-Source"] = os.getenv("GATEWAY_SOURCE")
    end
end

function request()
    count = count + 1
    return wrk.format("GET", "/v2/consumer/workflows/" .. ids[(count - 1) % #ids + 1], headers)
end

function done(summary, latency)
    io.write(string.format("\nJSON {\"requests\": %d, \"microseconds\": %d, \"failed\": %d, \"p99_ms\": %.2f}\n",
        summary.requests, summary.duration, summary.errors.status + summary.errors.connect + summary.errors.read
        + summary.errors.write + summary.errors.timeout, latency:percentile(99) / 1000))
end
