-- Sixteen requests in one write, again and again.
init = function()
    local burst = {}
    for i = 1, 16 do
        burst[i] = wrk.format()
    end
    all = table.concat(burst)
end

request = function()
    return all
end
