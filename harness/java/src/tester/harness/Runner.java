package tester.harness;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.engine.JupiterTestEngine;
import org.junit.platform.engine.DiscoverySelector;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.Launcher;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestPlan;
import org.junit.platform.launcher.core.LauncherConfig;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** Does one job from the texts to {@code done}. */
final class Runner {
    private final Library library;
    private final Compiler compiler;
    private final Integrity integrity;

    Runner(Library library) {
        this.library = library;
        this.compiler = new Compiler(library);
        this.integrity = new Integrity(library);
    }

    void run(Map<String, String> job, Channel channel) {
        Events events = new Events(channel);
        Compiler.Result compiled = compiler.compile(job.getOrDefault("source", ""), job.getOrDefault("tests", ""));
        if (compiled.error != null) {
            Compiler.Error error = compiled.error;
            events.broken("compile", error.part(), error.line(), error.message(), error.detail());
        } else {
            String impostor = integrity.findImpostor(compiled);
            if (impostor != null) {
                events.tampered(impostor);
            } else {
                runCompiled(compiled, events);
            }
        }
        events.done();
    }

    private void runCompiled(Compiler.Result compiled, Events events) {
        ClassLoader loader;
        try {
            loader = UserCode.load(compiled);
        } catch (ReflectiveOperationException | LinkageError unloadable) {
            events.broken("import", null, null, Texts.message(unloadable), Texts.detail(unloadable));
            return;
        }
        Thread.currentThread().setContextClassLoader(loader);
        List<DiscoverySelector> selectors = new ArrayList<>();
        for (String name : compiled.outline.classes) {
            Class<?> type;
            try {
                type = Class.forName(name, false, loader);
            } catch (ClassNotFoundException | LinkageError unloadable) {
                events.broken("import", compiled.testClasses.containsKey(name) ? "tests" : "source",
                        compiled.outline.line(name), Texts.message(unloadable), Texts.detail(unloadable));
                return;
            }
            String impostor = integrity.findInheritedAssertion(type, compiled);
            if (impostor != null) {
                events.tampered(impostor);
                return;
            }
            selectors.add(DiscoverySelectors.selectClass(type));
        }

        Launcher launcher = LauncherFactory.create(LauncherConfig.builder()
                .enableTestEngineAutoRegistration(false)
                .enableLauncherSessionListenerAutoRegistration(false)
                .enableLauncherDiscoveryListenerAutoRegistration(false)
                .enablePostDiscoveryFilterAutoRegistration(false)
                .enableTestExecutionListenerAutoRegistration(false)
                .addTestEngines(new JupiterTestEngine())
                .build());
        // Neither a junit-platform.properties nor system properties that the code sets have a say.
        LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request()
                .selectors(selectors)
                .enableImplicitConfigurationParameters(false)
                // JUnit's own frames tell set-up from test body; Texts leaves them out of what is shown.
                .configurationParameter("junit.platform.stacktrace.pruning.enabled", "false")
                .build();
        TestPlan plan;
        try {
            plan = launcher.discover(request);
        } catch (Throwable thrown) {
            events.broken("collect", "tests", Texts.testLine(thrown), Texts.message(thrown), Texts.detail(thrown));
            return;
        }
        Reporter reporter = new Reporter(plan, compiled.outline, events);
        if (!reporter.collect()) {
            return;
        }
        try {
            launcher.execute(plan, reporter);
        } catch (Throwable thrown) {
            events.broken("collect", "tests", Texts.testLine(thrown), Texts.message(thrown), Texts.detail(thrown));
        }
        String opened = integrity.findOpenedModule(loader);
        if (opened != null) {
            events.tampered(opened);
        }
    }
}
