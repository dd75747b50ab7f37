-- wrk: POSTs a new event each time, made from the bodies in the file that INGEST_BODIES names (one a line).
-- In a body %WORKFLOW% is the workflow's id, the same for as many requests as there are lines, and %N% a number.
local bodies, count, thread_id = {}, 0, 0
local threads = 0

function setup(thread)
    thread:set("thread_id", threads)
    threads = threads + 1
end

function init()
    for line in io.lines(os.getenv("INGEST_BODIES")) do
        table.insert(bodies, line)
    end
    run = os.getenv("INGEST_RUN")
    path = os.getenv("INGEST_PATH")
end

function request()
    count = count + 1
    local workflow = string.format("%s-%d-%09d", run, thread_id, math.floor((count - 1) / #bodies))
    local body = bodies[(count - 1) % #bodies + 1]:gsub("%%WORKFLOW%%", workflow):gsub("%%N%%", tostring(count))
    return wrk.format("POST", path, {["Content-Type"] = "application/json", ["Host"] = "bench"}, body)
end

function done(summary, latency)
    io.write(string.format("\nJSON {\"requests\": %d, \"microseconds\": %d, \"refused\": %d, \"broken\": %d}\n",
        summary.requests, summary.duration, summary.errors.status,
        summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
