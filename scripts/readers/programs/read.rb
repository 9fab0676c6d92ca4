# ruby read.rb WHICH < paths, one a line: prints NAME=VALUE and NUL for each variable that the named library finds.
which = ARGV[0]
case which
when "dotenv" then require "dotenv"
when "foreman" then require "foreman/env"
end
Encoding.default_external = Encoding::UTF_8
$stdin.read.split("\n").each do |path|
  begin
    pairs = which == "dotenv" ? Dotenv::Parser.call(File.read(path, mode: "r:BOM|utf-8"), true) : [].tap { |found| Foreman::Env.new(path).entries { |key, value| found << [key, value] } }
    pairs.each { |key, value| $stdout.write("#{key}=#{value}\0") }
  rescue Exception
    next
  end
end
