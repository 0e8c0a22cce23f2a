# libc's qsort_r calls each comparison: fibers are resumed and left inside of it.
LONG = "a string that is longer than those that lie inside their objects, number "

def kept_whole?(kept)
  kept.each_with_index.all? { |text, i| text == (LONG + i.to_s) * 3 }
end

keeping = Fiber.new do
  kept = []
  loop do
    kept << (LONG + kept.size.to_s) * 3
    Fiber.yield kept
  end
end
compare = lambda do |a, b|
  keeping.resume
  a <=> b
end
# What the interpreter keeps for the fiber and for the calls in here is allocated outside.
20.times { compare.call(1, 2) }
resumed_inside = 2000.times.map { [3, 1, 2].sort(&compare) }.uniq
kept = keeping.resume

sorting = 20.times.map do
  Fiber.new do
    mine = []
    200.times do
      [5, 4, 3, 2, 1].sort do |a, b|
        mine << (LONG + mine.size.to_s) * 3
        Fiber.yield mine
        a <=> b
      end
    end
    mine
  end
end
finished = []
until sorting.empty?
  sorting.reject! do |fiber|
    mine = fiber.resume
    finished << kept_whole?(mine) unless fiber.alive?
    !fiber.alive?
  end
end

puts resumed_inside.inspect, kept.size, kept_whole?(kept), finished.inspect
