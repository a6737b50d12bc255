#!/bin/sh
# needs: g++
cat > s.cc <<'E'
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <mutex>
#include <numeric>
#include <queue>
#include <random>
#include <regex>
#include <set>
#include <shared_mutex>
#include <sstream>
#include <thread>
#include <unordered_map>
namespace fs = std::filesystem;
int main() {
	std::mt19937 g(42); std::vector<int> v(100000); for (auto &x : v) x = g() % 1000; std::sort(v.begin(), v.end()); std::cout << v[500] << " " << std::accumulate(v.begin(), v.end(), 0L) << "\n";
	std::unordered_map<int, int> m; for (int x : v) m[x]++; std::map<int, int> o(m.begin(), m.end()); std::cout << o.begin()->second << " " << o.size() << "\n";
	std::queue<int> q; std::mutex mu; std::condition_variable cv; long sum = 0; bool done = false; std::thread c([&] { std::unique_lock<std::mutex> l(mu); for (;;) { cv.wait(l, [&] { return !q.empty() || done; }); if (q.empty()) break; sum += q.front(); q.pop(); } }); std::thread p([&] { for (int i = 0; i < 20000; i++) { { std::lock_guard<std::mutex> l(mu); q.push(i); } cv.notify_one(); } { std::lock_guard<std::mutex> l(mu); done = true; } cv.notify_all(); }); p.join(); c.join(); std::cout << sum << "\n";
	fs::create_directories("d/e/f"); std::ofstream("d/e/x") << "text"; int n = 0; for (auto &e : fs::recursive_directory_iterator("d")) n += e.is_regular_file() + 10 * e.is_directory(); std::cout << n << " " << fs::file_size("d/e/x") << "\n"; fs::rename("d/e/x", "d/y"); std::cout << fs::exists("d/y") << fs::remove_all("d") << "\n";
	std::smatch r; std::string s = "key=value"; std::cout << std::regex_match(s, r, std::regex("(\\w+)=(\\w+)")) << r[2] << "\n"; auto t = std::chrono::steady_clock::now(); std::this_thread::sleep_for(std::chrono::milliseconds(20)); std::cout << (std::chrono::steady_clock::now() - t >= std::chrono::milliseconds(20)) << "\n"; std::mutex tm; tm.lock(); std::timed_mutex ti; ti.lock(); std::thread([&] { std::cout << ti.try_lock_for(std::chrono::milliseconds(30)) << "\n"; }).join(); ti.unlock(); tm.unlock();
}
E
g++ -std=c++17 -O1 s.cc -o s -pthread && ./s
