#!/bin/sh
# needs: java javac
# timeout: 120
cat > P.java <<'E'
import java.io.*; import java.nio.file.*; import java.util.*; import java.util.concurrent.*; import java.util.stream.*;
public class P {
	static int deep(int n) { return deep(n + 1) + 1; }
	public static void main(String[] a) throws Exception {
		System.out.println("hello " + a.length); ExecutorService ex = Executors.newFixedThreadPool(4); List<Future<Long>> f = new ArrayList<>(); for (int i = 0; i < 8; i++) { final int k = i; f.add(ex.submit(() -> { long s = 0; for (int j = 0; j < 1000000; j++) s += j ^ k; return s; })); } long t = 0; for (Future<Long> x : f) t += x.get(); System.out.println(t); ex.shutdown();
		Files.writeString(Path.of("f"), "text"); System.out.println(Files.readString(Path.of("f")) + Files.size(Path.of("f"))); try { Object o = null; o.toString(); } catch (NullPointerException e) { System.out.println("npe"); } try { deep(0); } catch (StackOverflowError e) { System.out.println("soe"); } try { System.out.println(1 / (a.length)); } catch (ArithmeticException e) { System.out.println("arith"); }
		List<byte[]> l = new ArrayList<>(); for (int i = 0; i < 2000; i++) { l.add(new byte[100000]); if (l.size() > 100) l.clear(); } System.gc(); System.out.println(IntStream.range(0, 100000).parallel().filter(i -> i % 3 == 0).count()); Process p = new ProcessBuilder("sh", "-c", "echo proc; exit 3").start(); System.out.println(new BufferedReader(new InputStreamReader(p.getInputStream())).readLine() + p.waitFor()); Thread th = new Thread(() -> { synchronized (l) { l.notify(); } }); synchronized (l) { th.start(); l.wait(); } th.join(); Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("hook"))); System.exit(4);
	}
}
E
javac P.java && java -Xmx256m P; echo $?; java -XX:+UseSerialGC -Xmx64m -XX:TieredStopAtLevel=1 P x; echo $?; java -Xint P; echo $?
