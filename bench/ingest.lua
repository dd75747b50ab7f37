-- wrk: POSTs a new event each time, made from the bodies in the file that INGEST_BODIES names (one a line).
-- In a body %WORKFLOW% is the workflow's id, the same for as many requests as there are lines, and %N% a number.
-- Bodies are cut at these two once, before the load begins: what is left for a request is to put it together.
local bodies, count, thread_id = {}, 0, 0
local threads = 0

function setup(thread)
    thread:set("thread_id", threads)
    threads = threads + 1
end

-- The pieces of a body, and which of them are to be filled in with what.
local function cut(line)
    local body = { pieces = {}, filled = {}, length = 0 }
    local from = 1
    while true do
        local first, last, name = line:find("%%(%u+)%%", from)
        table.insert(body.pieces, line:sub(from, (first or 0) - 1))
        body.length = body.length + #body.pieces[#body.pieces]
        if not first then
            return body
        end
        table.insert(body.pieces, "")
        table.insert(body.filled, { at = #body.pieces, name = name })
        from = last + 1
    end
end

function init()
    for line in io.lines(os.getenv("INGEST_BODIES")) do
        table.insert(bodies, cut(line))
    end
    run = os.getenv("INGEST_RUN")
    head = "POST " .. os.getenv("INGEST_PATH") .. " HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: "
end

function request()
    count = count + 1
    local told = {
        N = tostring(count),
        WORKFLOW = string.format("%s-%d-%09d", run, thread_id, math.floor((count - 1) / #bodies)),
    }
    local body = bodies[(count - 1) % #bodies + 1]
    local length = body.length
    for _, place in ipairs(body.filled) do
        body.pieces[place.at] = told[place.name]
        length = length + #told[place.name]
    end
    return head .. length .. "\r\n\r\n" .. table.concat(body.pieces)
end

function done(summary, latency)
    io.write(string.format("\nJSON {\"requests\": %d, \"microseconds\": %d, \"refused\": %d, \"broken\": %d}\n",
        summary.requests, summary.duration, summary.errors.status,
        summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
